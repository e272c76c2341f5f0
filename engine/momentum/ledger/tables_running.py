"""The tables of what runs, what stands, what people are told, and what was tried on the past."""

from __future__ import annotations

from peewee import BigIntegerField, ForeignKeyField

from momentum.ledger.fields import DayField, DoubleField, JsonField, MomentField, Table, TextField


class Override(Table):
    """A setting changed while running, as it stands."""

    key = TextField(unique=True)
    value = JsonField(null=True)
    who = TextField()
    at = MomentField()

    class Meta:
        table_name = "overrides"


class OverrideChange(Table):
    """Every change of an override; `old` or `new` is NULL where there was, or is, no override."""

    key = TextField(index=True)
    old = JsonField(null=True)
    new = JsonField(null=True)
    who = TextField()
    at = MomentField()

    class Meta:
        table_name = "override_changes"


class JobRun(Table):
    """One run of a scheduled job; a (job, session, slot) runs at most once."""

    job = TextField()
    session_date = DayField()
    slot = TextField()
    account = TextField(null=True)
    status = TextField()
    due_at = MomentField()
    started_at = MomentField(null=True)
    finished_at = MomentField(null=True)
    text = TextField(default="")

    class Meta:
        table_name = "job_runs"
        indexes = ((("job", "session_date", "slot"), True),)


class Event(Table):
    """Something that happened."""

    event_id = TextField(unique=True)
    account = TextField(null=True, index=True)
    kind = TextField()
    severity = TextField()
    at = MomentField(index=True)
    title = TextField()
    text = TextField()
    data = JsonField()

    class Meta:
        table_name = "events"


class Outbox(Table):
    """The delivery of one event to one notifier."""

    event = ForeignKeyField(Event, field=Event.event_id)
    notifier = TextField()
    state = TextField()
    attempts = BigIntegerField(default=0)
    error = TextField(null=True)

    class Meta:
        table_name = "outbox"
        indexes = ((("event", "notifier"), True), (("notifier", "state"), False))


class Alarm(Table):
    """Something that must be mended; it stands while `cleared_at` is NULL. `symbol` is empty for the account."""

    account = TextField()
    kind = TextField()
    symbol = TextField()
    text = TextField()
    raised_at = MomentField()
    cleared_at = MomentField(null=True)

    class Meta:
        table_name = "alarms"
        indexes = ((("account", "kind", "symbol"), True),)


class BacktestRun(Table):
    """The last backtest of one variant of a strategy over one span of one market's bars.

    `variant` is a digest of all settings that steer its trades, `data` one of the bars, `sharpe` the annual Sharpe
    ratio, NULL where it is not defined.
    """

    at = MomentField()
    strategy = TextField()
    variant = TextField()
    data = TextField(index=True)
    first_session = DayField()
    last_session = DayField()
    sharpe = DoubleField(null=True)

    class Meta:
        table_name = "backtest_runs"
        indexes = ((("variant", "data", "first_session", "last_session"), True),)
