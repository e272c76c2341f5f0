"""Numbers as people write them: $1,234.50, 1.234,50, 1'234.50; the decimal mark is found from the whole file."""

from __future__ import annotations

import polars as pl

from momentum.errors import DataError

_ENDS = "$€£¥ \t\u00a0\u202f"
_AROUND = r"[$€£¥\s\u00a0\u202f'’]"
"""Currency signs, blanks and apostrophes: they never change a number's value."""
_DOT_IS_DECIMAL = r",.*\.|\.\d{1,2}$|\.\d{4,}$|\..*[eE]"
_COMMA_IS_DECIMAL = r"\..*,|^-?\d*,\d{1,2}$|^-?\d*,\d{4,}$|^-?0,"
_EITHER = r"^-?\d{1,3},\d{3}$"


def plain(text: pl.Expr) -> pl.Expr:
    """Text to Float64 where it is a bare number with a point; null where it is none."""
    return text.cast(pl.Float64, strict=False)


def signed(text: pl.Expr) -> pl.Expr:
    """As `plain`, with a currency sign or blanks around the number."""
    return plain(text.str.strip_chars(_ENDS))


def written(texts: pl.DataFrame, decimal: str | None, shown: str) -> pl.DataFrame:
    """Columns of text to Float64, however the numbers are written; null where a value is no number.

    `decimal` is the mark that a person says; without it the mark is the one that most of the values show.
    Raises `DataError` where prices could be read both ways, as 1,234 can.
    """
    bare = texts.select(pl.all().str.replace_all(_AROUND, ""))
    mark = decimal or _mark(bare, shown)
    grouping = "." if mark == "," else ","
    return bare.select(
        plain(pl.all().str.replace_all(grouping, "", literal=True).str.replace(mark, ".", literal=True))
    )


def _mark(bare: pl.DataFrame, shown: str) -> str:
    prices = [name for name in bare.columns if "volume" not in name]
    counts = bare.select(
        pl.sum_horizontal(pl.all().str.contains(_COMMA_IS_DECIMAL).sum()).alias("comma"),
        pl.sum_horizontal(pl.all().str.contains(_DOT_IS_DECIMAL).sum()).alias("dot"),
        pl.sum_horizontal(pl.col(prices).str.contains(_EITHER).sum()).alias("either"),
    ).row(0, named=True)
    if not counts["comma"] and not counts["dot"] and counts["either"]:
        example = next(
            found[0] for name in prices if len(found := bare[name].filter(bare[name].str.contains(_EITHER)))
        )
        raise DataError(
            f"{shown}: the price {example} could be {example.replace(',', '')} or {example.replace(',', '.')};"
            " set files.decimal to the mark before the fraction: '.' or ','"
        )
    return "," if counts["comma"] > counts["dot"] else "."
