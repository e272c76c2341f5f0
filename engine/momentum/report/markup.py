"""HTML that cannot be broken by what stands in it: every text is escaped when it goes in, and only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from momentum.ledger.fields import to_json


class Markup(str):
    """Text that is HTML already. Anything else is escaped where it is put into a page."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table. `order` is what its column is sorted by, its text where that is None."""

    text: str
    kind: str = ""
    order: float | str | None = None


def el(name: str, *content: object, **attributes: object) -> Markup:
    """An element. A trailing `_` of an attribute's name is dropped, `_` inside becomes `-`; None leaves it out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    return Markup(f"<{name}{written}>{join(content)}</{name}>")


def join(content: Iterable[object]) -> Markup:
    """Pieces of a page one after another."""
    return Markup("".join(piece if isinstance(piece, Markup) else escape(str(piece)) for piece in content))


def data(name: str, value: object) -> Markup:
    """A JSON document for the page's script; nothing in it can end the element it stands in."""
    text = to_json(value)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return el("script", Markup(text), id=name, type="application/json")


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], **attributes: object) -> Markup:
    """A table with a heading; a cell's kind becomes its class."""
    heading = el("tr", *(el("th", cell.text, class_=cell.kind, scope="col") for cell in head))
    body = join(row(cells) for cells in rows)
    return el("div", el("table", el("thead", heading), el("tbody", body), **attributes), class_="scroll")


def row(cells: Sequence[Cell], **attributes: object) -> Markup:
    """A row of a table."""
    return el("tr", *(el("td", c.text, class_=c.kind, data_v=c.order) for c in cells), **attributes)


def sign_of(value: float | None) -> str:
    """The class of a number that is good above 0 and bad below."""
    if value is None or not value:
        return ""
    return "up" if value > 0 else "down"
