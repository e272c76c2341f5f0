"""What an error of PostgreSQL means to a person, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

_STATES: Mapping[str, str] = {
    "55P03": "another process has been writing for over {waited:g} s; try again when it has ended",
    "57014": "the server did not finish within {allowed:g} s; see what keeps it busy, and try again",
    "53100": "the disk of the server is full; make room there and try again",
    "53300": "the server takes no more connections; raise max_connections, or end other programs",
    "25006": "the server takes no writes (a standby, or set so); name the primary server in `ledger:`",
    "42501": "its user may not do that; `GRANT CREATE, USAGE ON SCHEMA public` to it, or make it the owner: {text}",
    "3F000": "no schema is there to make tables in; create the one that the search_path names",
    "28P01": "the server refuses the user or the password; set it in `ledger:`, or PGPASSWORD in .env",
    "28000": "the server does not let this user in; see its pg_hba.conf: {text}",
    "3D000": "there is no such database; create it: createdb NAME",
}
"""By SQLSTATE."""
_TEXTS: Mapping[str, str] = {
    "password authentication failed": _STATES["28P01"],
    "no password supplied": "the server asks for a password; set it in `ledger:`, or PGPASSWORD in .env",
    "pg_hba.conf": _STATES["28000"],
    "starting up": "the server is starting up; try again in a moment",
    "shutting down": "the server is shutting down; try again when it is back",
    'role "': "the server does not know this user; create it: createuser NAME",
    'database "': _STATES["3D000"],
    "too many": _STATES["53300"],
    "connection slots": _STATES["53300"],
    "invalid connection option": "the address holds an option that is none of PostgreSQL's: {text}",
}
"""By what the server, or its client library, says where no SQLSTATE is told: while connecting."""
_LOST = "08", "57P"


def meaning(error: Exception, *, lost: bool, waited: float, allowed: float) -> str:
    """One line on an error. `lost` says that the connection has ended; the seconds are those that were waited."""
    cause = getattr(error, "orig", error)
    state = getattr(cause, "sqlstate", None) or ""
    text = "; ".join(line.strip() for line in str(cause).splitlines() if line.strip())
    said = _STATES.get(state)
    if said is not None:
        return said.format(waited=waited, allowed=allowed, text=text)
    if lost or state.startswith(_LOST):
        return (
            "the connection to the server was lost, and what was being written may or may not have arrived; "
            "run the command again"
        )
    # While connecting no SQLSTATE is told; afterwards each error of the server has one.
    if not state and (type(cause).__name__ == "OperationalError" or "connection option" in text):
        return _unconnected(text)
    return f"the ledger failed: {text}"


def _unconnected(text: str) -> str:
    said = next((said for part, said in _TEXTS.items() if part in text), None)
    if said is not None:
        return said.format(text=text)
    return (
        f"the server cannot be reached; see that it runs, and that `ledger:` names its host and port: {text}"
    )
