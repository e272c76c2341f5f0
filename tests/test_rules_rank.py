"""The order of candidates: as written, nulls last either way, ties by symbol."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.rules.language import RuleError
from momentum.rules.rank import RankKey, parse_rank, ranked

KNOWN = ("score", "roc_10d", "rvol", "symbol")


def order(text: str, **columns: list[float | None]) -> list[str]:
    count = len(next(iter(columns.values())))
    frame = pl.DataFrame({"symbol": list("ABCDEFGH"[:count]), **columns})
    return ranked(frame, parse_rank(text, KNOWN))["symbol"].to_list()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("score DESC, roc_10d DESC", (RankKey("score", True), RankKey("roc_10d", True))),
        ("score", (RankKey("score", False),)),
        ("score asc,rvol desc", (RankKey("score", False), RankKey("rvol", True))),
        ("  rvol   DESC  ", (RankKey("rvol", True),)),
    ],
)
def test_an_order_is_read(text: str, keys: tuple[RankKey, ...]) -> None:
    assert parse_rank(text, KNOWN) == keys


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not `COLUMN ASC` or `COLUMN DESC`"),
        ("score DESC,", "'' is not `COLUMN ASC` or `COLUMN DESC`"),
        ("score DOWN", "'score DOWN' is not `COLUMN ASC` or `COLUMN DESC`"),
        ("-score", "'-score' is not `COLUMN ASC` or `COLUMN DESC`"),
        ("score * 2 DESC", "'score * 2 DESC' is not"),
        ("score; rvol", "'score; rvol' is not"),
        ("Score DESC", "unknown column 'Score'; did you mean 'score'?"),
        ("xyzzy DESC", "unknown column 'xyzzy'"),
        ("score DESC, rvol, score", "names score twice"),
    ],
)
def test_what_is_no_order_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rank(text, KNOWN)
    assert str(refused.value).startswith(message)


def test_the_second_key_decides_where_the_first_is_the_same() -> None:
    assert order("score DESC, rvol DESC", score=[12, 15, 12, 15], rvol=[3.0, 1.0, 4.0, 2.0]) == [
        "D",
        "B",
        "C",
        "A",
    ]


def test_nulls_are_last_in_both_directions() -> None:
    assert order("rvol DESC", rvol=[None, 1.0, 2.0]) == ["C", "B", "A"]
    assert order("rvol ASC", rvol=[None, 1.0, 2.0]) == ["B", "C", "A"]


def test_ties_go_by_symbol_whatever_the_rows_order() -> None:
    frame = pl.DataFrame({"symbol": ["MU", "AMD", "LRCX"], "score": [15.0, 15.0, 15.0]})
    assert ranked(frame, parse_rank("score DESC", KNOWN))["symbol"].to_list() == ["AMD", "LRCX", "MU"]
    assert ranked(frame.reverse(), parse_rank("score DESC", KNOWN))["symbol"].to_list() == [
        "AMD",
        "LRCX",
        "MU",
    ]


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 3)), min_size=1, max_size=8)
)
def test_the_order_is_that_of_pythons_sort(rows: list[tuple[int | None, int | None]]) -> None:
    scores, rvols = [row[0] for row in rows], [row[1] for row in rows]
    found = order("score DESC, rvol ASC", score=scores, rvol=rvols)

    def place(symbol: str) -> tuple[object, ...]:
        score, rvol = rows["ABCDEFGH".index(symbol)]
        return (score is None, -(score or 0), rvol is None, rvol or 0, symbol)

    assert found == sorted(found, key=place)
