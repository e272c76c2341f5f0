"""What stands until it is changed: the watchlist, alarms, and settings overridden while running."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import Alarm, Override, OverrideChange
from momentum.model.decision import WatchEntry


class Standing(Book):
    """The part of the ledger that holds what is the case, rather than what happened."""

    def update_watchlist(
        self, account: str, entries: Sequence[WatchEntry], *, replacing: Collection[str] | None
    ) -> None:
        """Put these setups on the account's watchlist; one that stays keeps the day on which it was added.

        What stood there goes where its symbol is in `replacing`, such as the symbols that a scan of one size
        class looked at; None takes away all that stood there.
        """
        rows = {
            entry.symbol: {
                "account": account,
                "symbol": entry.symbol,
                "added_date": entry.added,
                "score": entry.score,
                "reason": entry.reason,
            }
            for entry in entries
        }
        with self._db.transaction():
            for old in self.watchlist(account):
                if replacing is None or old.symbol in replacing or old.symbol in rows:
                    one = (t.Watch.account == account) & (t.Watch.symbol == old.symbol)
                    self._db.run(t.Watch.delete().where(one))
                if old.symbol in rows:
                    rows[old.symbol]["added_date"] = old.added
            if rows:
                self._db.run(t.Watch.insert_many(list(rows.values())))

    def watchlist(self, account: str) -> tuple[WatchEntry, ...]:
        """The account's watchlist, in the order in which it was given."""
        query = t.Watch.select().where(t.Watch.account == account).order_by(t.Watch.id)
        return tuple(
            WatchEntry(row["symbol"], row["added_date"], row["score"], row["reason"])
            for row in self._db.rows(query)
        )

    def raise_alarm(self, account: str, kind: str, symbol: str, text: str, at: datetime) -> bool:
        """Let an alarm stand until it is cleared; `symbol` is empty where it is about the whole account.

        True where it did not stand before; else its text is renewed, and its moment stays.
        """
        row: dict[str, Any] = {"account": account, "kind": kind, "symbol": symbol, "text": text}
        with self._db.transaction():
            stands = self._alarm(account, kind, symbol) & t.Alarm.cleared_at.is_null()
            if self._db.run(t.Alarm.update(text=text).where(stands)):
                return False
            self._db.run(t.Alarm.delete().where(self._alarm(account, kind, symbol)))
            self._db.run(t.Alarm.insert(row | {"raised_at": at}))
        return True

    def clear_alarm(self, account: str, kind: str, symbol: str, at: datetime) -> bool:
        """Say that it is mended. False where no such alarm stood."""
        stands = self._alarm(account, kind, symbol) & t.Alarm.cleared_at.is_null()
        return bool(self._db.run(t.Alarm.update(cleared_at=at).where(stands)))

    def alarms(self, account: str | None = None) -> tuple[Alarm, ...]:
        """The alarms that stand, of one account or (None) of all, oldest first."""
        query = t.Alarm.select(t.Alarm.account, t.Alarm.kind, t.Alarm.symbol, t.Alarm.text, t.Alarm.raised_at)
        query = query.where(t.Alarm.cleared_at.is_null())
        if account is not None:
            query = query.where(t.Alarm.account == account)
        return tuple(Alarm(**row) for row in self._db.rows(query.order_by(t.Alarm.raised_at, t.Alarm.id)))

    def set_override(self, key: str, value: object, who: str, at: datetime, *, was: object = None) -> None:
        """Override a setting (dotted key) from now on; `value` is any JSON value but null.

        `was` is the value in force before, for the record of changes; an earlier override's where not given.
        """
        if value is None:
            raise ValueError(f"{key}: an override needs a value; use unset_override")
        with self._db.transaction():
            old = self._override(key)
            self._db.run(t.Override.delete().where(t.Override.key == key))
            self._db.run(t.Override.insert(key=key, value=value, who=who, at=at))
            before = old if was is None else was
            self._db.run(t.OverrideChange.insert(key=key, old=before, new=value, who=who, at=at))

    def unset_override(self, key: str, who: str, at: datetime, *, becomes: object = None) -> bool:
        """Let a setting be what the files say again (`becomes`, for the record). False where it was not overridden."""
        with self._db.transaction():
            old = self._override(key)
            if old is None:
                return False
            self._db.run(t.Override.delete().where(t.Override.key == key))
            self._db.run(t.OverrideChange.insert(key=key, old=old, new=becomes, who=who, at=at))
        return True

    def overrides(self) -> tuple[Override, ...]:
        """All settings that are overridden, by key."""
        query = t.Override.select(t.Override.key, t.Override.value, t.Override.who, t.Override.at)
        return tuple(Override(**row) for row in self._db.rows(query.order_by(t.Override.key)))

    def override_changes(self, key: str | None = None) -> tuple[OverrideChange, ...]:
        """Who changed what and when, oldest first."""
        change = t.OverrideChange
        query = change.select(change.key, change.old, change.new, change.who, change.at).order_by(change.id)
        if key is not None:
            query = query.where(change.key == key)
        return tuple(OverrideChange(**row) for row in self._db.rows(query))

    def _alarm(self, account: str, kind: str, symbol: str) -> Any:
        return (t.Alarm.account == account) & (t.Alarm.kind == kind) & (t.Alarm.symbol == symbol)

    def _override(self, key: str) -> object:
        row = self._db.first(t.Override.select(t.Override.value).where(t.Override.key == key))
        return row["value"] if row else None
