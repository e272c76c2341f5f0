"""Where a ledger is: what its address says, without opening it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from momentum.errors import LedgerError

FORMS = "sqlite:///path/to/ledger.db, or postgresql://user:password@host:port/name"

_POSTGRES = ("postgresql", "postgres")
_HOSTLESS = "localhost"
_ESCAPES = "%40 for @, %2F for /, %3A for :, %23 for #, %3F for ?, %25 for %"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database on a PostgreSQL server. `label` names it without its password."""

    label: str
    parameters: Mapping[str, str] = field(repr=False)
    """What libpq calls them: host, port, dbname, user, password, sslmode, ..."""


def is_postgres(url: str) -> bool:
    """True for the address of a PostgreSQL database, well formed or not."""
    return url.partition(":")[0].lower() in _POSTGRES


def ledger_path(url: str) -> Path:
    """The file that a ledger's URL names; it is always absolute, `sqlite:///srv/ledger.db` too.

    Raises LedgerError for any other kind of URL.
    """
    scheme, mark, rest = url.partition(":///")
    if is_postgres(url):
        raise LedgerError(f"{label(url)}: is a database on a server, not a file; name a file: sqlite:///PATH")
    if scheme != "sqlite" or not mark or not rest.strip("/") or ":memory:" in rest:
        raise LedgerError(f"{url!r} is not the address of a ledger; write ledger: {FORMS}")
    return Path("/") / rest.lstrip("/")


def postgres_address(url: str) -> PostgresAddress:
    """The database that a `postgresql://` URL names.

    Raises LedgerError where it cannot be read; since it may hold a password, the text does not repeat it.
    """
    try:
        parts = urlsplit(url)
        port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _unreadable("cannot be read") from None
    name = parts.path.removeprefix("/")
    if (
        not url.partition(":")[2].startswith("//")
        or parts.fragment
        or "/" in name
        or "@" in name
        or parts.netloc.count("@") > 1
    ):
        raise _unreadable("cannot be read")
    if not name:
        raise _unreadable("names no database")
    given = {
        "host": parts.hostname,
        "port": str(port) if port else None,
        "dbname": name,
        "user": parts.username,
        "password": parts.password,
    }
    parameters = options | {key: unquote(value) for key, value in given.items() if value}
    return PostgresAddress(_label(parameters), parameters)


def label(url: str) -> str:
    """The address as it may be shown: without a password."""
    if not is_postgres(url):
        return url
    try:
        return postgres_address(url).label
    except LedgerError:
        return "postgresql://***"


def exists(url: str) -> bool:
    """True where there is a ledger already, as far as can be told without opening it.

    A database on a server is taken for one, so that a server that does not answer is an error and not a
    ledger that is empty. Raises LedgerError where the URL is no address.
    """
    if is_postgres(url):
        postgres_address(url)
        return True
    return ledger_path(url).exists()


def check(url: str) -> None:
    """Raises LedgerError for an address that cannot be a ledger's, whatever is there."""
    if is_postgres(url):
        postgres_address(url)
    elif ledger_path(url).is_dir():
        raise LedgerError("is a directory; name a file, such as sqlite:///data/ledger.db")


def _label(parameters: Mapping[str, str]) -> str:
    user = f"{parameters['user']}@" if "user" in parameters else ""
    port = f":{parameters['port']}" if "port" in parameters else ""
    return f"postgresql://{user}{parameters.get('host', _HOSTLESS)}{port}/{parameters['dbname']}"


def _unreadable(what: str) -> LedgerError:
    return LedgerError(
        f"the PostgreSQL address of `ledger:` {what}; write postgresql://user:password@host:port/name, and in a "
        f"password {_ESCAPES}"
    )
