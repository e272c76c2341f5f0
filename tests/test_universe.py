"""The universe file: the one that is shipped, and what is found wrong in others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from momentum.errors import SettingsError
from momentum.market.universe import Universe, load_universe
from momentum.model.market import CAPS, Cap
from momentum.settings.template import template_directory

SHIPPED = template_directory() / "data" / "universe.json"

NAMED_BY_THE_SOURCE = """AAPL MSFT GOOGL PYPL XYZ SNAP LYFT HOOD SOFI HIMS CVNA RDDT WDC STX TEM BBAI SOUN ARKQ TSM
    ONON GOGO NCNO GLBE NEM B OXY DVN ZETA SMR LEU CEG SYM PL VSAT ONDS MU LUNR LRCX AMD ENPH BA RDW KLAC AMAT CVX
    FCX LMT UUUU KTOS SLB HON""".split()

SMALL_ONE = {"symbols": {"large": ["AAPL", "BRK.B"], "small": ["GOGO"]}, "sectors": {"AAPL": "Technology"}}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a universe file and returns its path."""

    def write(content: object) -> Path:
        path = tmp_path / "universe.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def faults(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_universe(path)
    assert all(line.startswith(str(path)) for line in str(caught.value).splitlines())
    return str(caught.value)


def test_the_shipped_universe_has_211_symbols_in_three_classes() -> None:
    universe = load_universe(SHIPPED)
    sizes = {cap: sum(found == cap for found in universe.caps.values()) for cap in CAPS}
    assert sizes == {"large": 108, "mid": 61, "small": 42}
    assert universe.symbols is not None
    assert len(universe.symbols) == 211


def test_the_shipped_universe_holds_what_the_source_system_traded() -> None:
    universe = load_universe(SHIPPED)
    assert set(NAMED_BY_THE_SOURCE) <= universe.caps.keys()
    assert not {"SQ", "GOLD", "TSMC", "GLLB"} & universe.caps.keys()


def test_the_shipped_universe_says_what_it_is_and_names_every_sector() -> None:
    universe = load_universe(SHIPPED)
    assert universe.as_of == "2026-08-21"
    assert "ARKQ" in universe.source
    assert universe.sectors.keys() == universe.caps.keys()
    assert len(set(universe.sectors.values())) >= 11


def test_the_shipped_symbols_are_sorted_within_their_class() -> None:
    classes = json.loads(SHIPPED.read_text())["symbols"]
    assert all(names == sorted(names) for names in classes.values())


def test_the_shipped_classes_are_those_of_the_market_values(real_data: Path) -> None:
    universe = load_universe(SHIPPED)
    values = pl.read_parquet(real_data / "market_caps.parquet").filter(
        pl.col("as_of") == pl.col("as_of").max()
    )
    assert str(values["as_of"][0]) == universe.as_of
    value_of = dict(values.drop_nulls("market_cap").select("symbol", "market_cap").iter_rows())

    def by_value(symbol: str) -> Cap:
        return "large" if value_of[symbol] > 10e9 else "mid" if value_of[symbol] >= 2e9 else "small"

    without_fund = universe.caps.keys() - {"ARKQ"}
    assert {symbol: universe.cap_of(symbol) for symbol in without_fund} == {
        s: by_value(s) for s in without_fund
    }


def test_a_universe_knows_class_and_sector(written: Any) -> None:
    universe = load_universe(written(SMALL_ONE))
    assert universe.symbols == ("AAPL", "BRK.B", "GOGO")
    assert (universe.cap_of("GOGO"), universe.cap_of("MSFT")) == ("small", "unclassified")
    assert (universe.sector_of("AAPL"), universe.sector_of("GOGO")) == ("Technology", "")


def test_everything_is_unclassified() -> None:
    universe = Universe.everything()
    assert universe.symbols is None
    assert universe.cap_of("AAPL") == "unclassified"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "must be an object with the keys symbols, sectors, as_of, source, not a list"),
        ({}, "symbols: is missing; write"),
        ({"symbols": ["AAPL"]}, "symbols: must be an object, not a list"),
        ({"symbols": {}}, "symbols: is empty; name at least one symbol"),
        ({"symbols": {"large": []}}, "symbols: is empty"),
        ({"symbols": {"larg": ["AAPL"]}}, "unknown class 'larg'; did you mean 'large'?"),
        ({"symbols": {"large": "AAPL"}}, "symbols.large: must be a list of symbols, not text"),
        ({"symbols": {"large": ["AAPL", "AAPL"]}}, "symbols.large: AAPL stands twice (first in large)"),
        (
            {"symbols": {"large": ["AAPL"], "mid": ["AAPL"]}},
            "symbols.mid: AAPL stands twice (first in large)",
        ),
        ({"symbols": {"large": ["aapl"]}}, "symbols.large: 'aapl' is not a symbol; write 'AAPL'"),
        ({"symbols": {"large": [" AAPL"]}}, "write 'AAPL'"),
        ({"symbols": {"large": ["", "AAPL"]}}, "symbols.large: empty symbol"),
        ({"symbols": {"large": [7]}}, "symbols.large: 7 is not a symbol"),
        ({**SMALL_ONE, "sectors": []}, "sectors: must be an object, symbol to sector, not a list"),
        ({**SMALL_ONE, "sectors": {"AAPL": 3}}, "sectors.AAPL: must be text, not a number"),
        ({**SMALL_ONE, "sectors": {"AAPLE": "x"}}, "unknown symbol 'AAPLE'; did you mean 'AAPL'?"),
        ({**SMALL_ONE, "asof": "x"}, "unknown key 'asof'; did you mean 'as_of'?"),
        ({**SMALL_ONE, "as_of": 2026}, "as_of: must be text, not a number"),
        ('{"symbols": {', "universe.json:1:14: not JSON"),
    ],
)
def test_what_is_wrong_is_said(written: Any, content: object, said: str) -> None:
    assert said in faults(written(content))


def test_all_findings_come_in_one_go(written: Any) -> None:
    found = faults(written({"symbols": {"large": ["aapl", "X", "X"], "mid": "MU"}, "as_of": 1}))
    assert len(found.splitlines()) == 4


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in faults(tmp_path / "nowhere.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "not a text file" in faults(binary)
