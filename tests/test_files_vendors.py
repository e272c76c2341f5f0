"""The files of common vendors are recognised by their header, and others by `files.columns`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import files_builders as build
from momentum.errors import DataError
from momentum.ports import MarketData

LATE = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = [date(2024, 6, 13), date(2024, 6, 14)]

YAHOO = """\
Date,Open,High,Low,Close,Adj Close,Volume
2024-06-13,10.0,12.0,9.0,11.0,5.5,1000
2024-06-14,11.0,13.0,10.0,12.0,12.0,2000
"""
DAILY = {
    "Yahoo": YAHOO,
    "Yahoo, by its Python library": """\
Price,Close,High,Low,Open,Volume
Ticker,AAPL,AAPL,AAPL,AAPL,AAPL
Date,,,,,
2024-06-13,11.0,12.0,9.0,10.0,1000
2024-06-14,12.0,13.0,10.0,11.0,2000
""",
    "Stooq": """\
<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>
AAPL.US,D,20240613,000000,10,12,9,11,1000,0
AAPL.US,D,20240614,000000,11,13,10,12,2000,0
""",
    "Stooq, from its web page": """\
Date,Open,High,Low,Close,Volume
2024-06-13,10,12,9,11,1000
2024-06-14,11,13,10,12,2000
""",
    "Alpha Vantage": """\
timestamp,open,high,low,close,volume
2024-06-14,11.0,13.0,10.0,12.0,2000
2024-06-13,10.0,12.0,9.0,11.0,1000
""",
    "Alpha Vantage, adjusted": """\
timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient
2024-06-14,11.0,13.0,10.0,12.0,12.0,2000,0.0000,1.0
2024-06-13,10.0,12.0,9.0,11.0,5.5,1000,0.0000,1.0
""",
    "Alpaca": """\
t,o,h,l,c,v,n,vw
2024-06-13T04:00:00Z,10,12,9,11,1000,12,10.5
2024-06-14T04:00:00Z,11,13,10,12,2000,12,11.5
""",
    "Alpaca, by its Python library": """\
symbol,timestamp,open,high,low,close,volume,trade_count,vwap
AAPL,2024-06-13 04:00:00+00:00,10,12,9,11,1000,12,10.5
AAPL,2024-06-14 04:00:00+00:00,11,13,10,12,2000,12,11.5
""",
    "Polygon": """\
v,vw,o,c,h,l,t,n
1000,10.5,10,11,12,9,1718251200000,12
2000,11.5,11,12,13,10,1718337600000,12
""",
    "Polygon, flat files": """\
ticker,volume,open,close,high,low,window_start,transactions
AAPL,1000,10,11,12,9,1718251200000000000,12
AAPL,2000,11,12,13,10,1718337600000000000,12
""",
    "Nasdaq": """\
Date,Close/Last,Volume,Open,High,Low
06/14/2024,$12.00,"2,000",$11.00,$13.00,$10.00
06/13/2024,$11.00,"1,000",$10.00,$12.00,$9.00
""",
    "Tiingo": """\
date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor
2024-06-13T00:00:00+00:00,11.0,12.0,9.0,10.0,1000,5.5,6.0,4.5,5.0,2000,0.0,1.0
2024-06-14T00:00:00+00:00,12.0,13.0,10.0,11.0,2000,12.0,13.0,10.0,11.0,2000,0.0,1.0
""",
}
ROWS = [("AAPL", DAYS[0], 10.0, 12.0, 9.0, 11.0, 1000.0), ("AAPL", DAYS[1], 11.0, 13.0, 10.0, 12.0, 2000.0)]


def directory(base: Path, **texts: str) -> Path:
    """A directory `bars` with one CSV for each symbol."""
    (base / "bars").mkdir()
    for symbol, text in texts.items():
        (base / "bars" / f"{symbol}.csv").write_text(text)
    return base


def opened(base: Path, path: str = "bars", **settings: object) -> MarketData:
    return build.open_file(base, path, **settings)


def all_rows(market: MarketData) -> list[tuple[object, ...]]:
    return market.daily(None, LATE, 1000).rows()


@pytest.mark.parametrize("vendor", DAILY)
def test_a_vendor_s_daily_bars_are_read_as_they_are(tmp_path: Path, vendor: str) -> None:
    market = opened(directory(tmp_path, AAPL=DAILY[vendor]))

    assert all_rows(market) == ROWS
    assert market.timeframe == "day"
    assert market.title.startswith(
        "bars (CSV; " if "web page" in vendor else f"bars ({vendor.split(',')[0]} CSV; "
    )


@pytest.mark.parametrize(
    "vendor", [name for name, text in DAILY.items() if "AAPL" in text and "Ticker," not in text]
)
def test_a_single_file_with_a_column_of_symbols_needs_no_directory(tmp_path: Path, vendor: str) -> None:
    (tmp_path / "x.csv").write_text(DAILY[vendor])

    assert all_rows(opened(tmp_path, "x.csv")) == ROWS


def test_a_single_file_without_symbols_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(YAHOO)

    with pytest.raises(
        DataError, match=r"^x\.csv: has no column symbol or ticker.*named by it, into a directory$"
    ):
        opened(tmp_path, "x.csv")


@pytest.mark.parametrize("vendor", ["Yahoo", "Tiingo", "Alpha Vantage, adjusted"])
def test_prices_are_scaled_to_the_adjusted_close_where_the_settings_say_so(
    tmp_path: Path, vendor: str
) -> None:
    market = opened(directory(tmp_path, AAPL=DAILY[vendor]), adjusted=True)

    volume = 2000.0 if vendor == "Tiingo" else 1000.0
    assert all_rows(market) == [("AAPL", DAYS[0], 5.0, 6.0, 4.5, 5.5, volume), ROWS[1]]


def test_adjusted_closes_that_are_not_used_are_mentioned(tmp_path: Path) -> None:
    assert opened(directory(tmp_path, AAPL=YAHOO)).notes() == (
        "bars/AAPL.csv: its adjusted closes are not used; files.adjusted: on uses them",
    )


def test_adjusted_prices_that_no_column_gives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"has no column of adjusted closes, but files\.adjusted is on; set it off"
    ):
        opened(directory(tmp_path, AAPL=DAILY["Alpaca"]), adjusted=True)


INTRADAY = {
    "Alpha Vantage": "timestamp,open,high,low,close,volume\n"
    "2024-06-14 09:30:00,10,12,9,11,5\n2024-06-14 09:35:00,10,12,9,11,5\n",
    "Alpaca": "t,o,h,l,c,v\n2024-06-14T13:30:00Z,10,12,9,11,5\n2024-06-14T13:35:00Z,10,12,9,11,5\n",
    "Polygon": "v,vw,o,c,h,l,t,n\n5,10,10,11,12,9,1718371800000,1\n5,10,10,11,12,9,1718372100000,1\n",
    "Stooq": "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    "AAPL.US,5,20240614,133000,10,12,9,11,5\nAAPL.US,5,20240614,133500,10,12,9,11,5\n",
}


@pytest.mark.parametrize("vendor", INTRADAY)
def test_a_vendor_s_intraday_bars_stand_at_their_moment(tmp_path: Path, vendor: str) -> None:
    market = opened(directory(tmp_path, AAPL=INTRADAY[vendor]))

    found = market.bars(["AAPL"], datetime(2024, 1, 1, tzinfo=UTC), LATE)
    assert found["ts"].to_list() == [datetime(2024, 6, 14, 13, minute, tzinfo=UTC) for minute in (30, 35)]


def test_the_zone_that_a_vendor_writes_in_is_said_and_the_settings_zone_goes_before_it(
    tmp_path: Path,
) -> None:
    base = directory(tmp_path, AAPL=INTRADAY["Alpha Vantage"].replace("09:3", "13:3"))

    market = opened(base, zone="UTC")

    assert market.bars(["AAPL"], datetime(2024, 1, 1, tzinfo=UTC), LATE)["ts"][0].hour == 13
    assert market.notes() == (
        "bars/AAPL.csv: its times are without a zone and were read as UTC (files.zone)",
    )
    assert "as America/New_York, as Alpha Vantage writes them" in opened(base).notes()[0]


def test_a_parquet_is_nobody_s_so_that_its_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    stamps = [datetime(2024, 6, 14, 13, minute) for minute in (30, 35)]
    rows = build.frame([build.bar("AAPL", stamp) for stamp in stamps], "timestamp").drop("symbol")
    build.write(rows, tmp_path / "bars" / "AAPL.parquet")

    found = opened(tmp_path).bars(["AAPL"], datetime(2024, 1, 1, tzinfo=UTC), LATE)

    assert found["ts"].to_list() == [stamp.replace(tzinfo=UTC) for stamp in stamps]


GERMAN = """\
Datum;Eröffnung;Hoch;Tief;Schluss;Stücke
13.06.2024;10,00;12,00;9,00;11,00;1.000
14.06.2024;11;13;10;12;2.000
"""
MAPPING = {
    "date": "Datum",
    "open": "Eröffnung",
    "high": "hoch",
    "low": "Tief",
    "close": "Schluss",
    "volume": "Stücke",
}


def test_one_s_own_names_of_columns_are_mapped_by_the_settings(tmp_path: Path) -> None:
    market = opened(directory(tmp_path, AAPL=GERMAN), columns=MAPPING)

    assert all_rows(market) == ROWS
    assert market.title.startswith("bars (CSV by files.columns; ")


def test_a_mapping_may_leave_away_what_is_named_as_usual(tmp_path: Path) -> None:
    text = YAHOO.replace("Open", "first")

    assert all_rows(opened(directory(tmp_path, AAPL=text), columns={"open": "first"})) == ROWS


def test_a_mapping_to_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no column 'Opn', which files\.columns\.open names; did you mean 'Open'\?"
    ):
        opened(directory(tmp_path, AAPL=YAHOO), columns={"open": "Opn"})


def test_the_names_of_a_column_that_is_missing_are_told_with_the_key_that_maps_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column open.*name the file's own in files\.columns\.open"):
        opened(directory(tmp_path, AAPL=YAHOO.replace("Open", "Erste")))


def test_files_of_several_vendors_may_stand_in_one_directory(tmp_path: Path) -> None:
    market = opened(directory(tmp_path, AAPL=YAHOO, MSFT=DAILY["Nasdaq"], SPY=YAHOO))

    assert market.symbols() == ("AAPL", "MSFT", "SPY")
    assert market.title.startswith("bars (Yahoo CSV and Nasdaq CSV, 3 files; 6 daily bars, 3 symbols")
    assert all_rows(market) == [(symbol, *row[1:]) for symbol in market.symbols() for row in ROWS]


def test_daily_and_intraday_files_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^bars: some of its files hold daily bars and others intraday ones"):
        opened(directory(tmp_path, AAPL=YAHOO, MSFT=INTRADAY["Polygon"]))
