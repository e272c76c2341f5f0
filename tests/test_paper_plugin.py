"""The plugin `paper` as the engine meets it: its settings, and the account that it opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from fakes import FakeMarket, closes, daily_bar, request
from momentum.errors import BrokerError, DataError
from momentum.model.market import Quote
from momentum.model.orders import Confirmed, RefusalKind, Refused
from momentum.ports import MarketData, Workspace
from momentum.units import parse_fraction
from momentum_plugins import paper

MARKET = FakeMarket([daily_bar("AAA", 0, 100, 101, 99)])


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return closes(0)


def workspace(directory: Path, data: MarketData | None = MARKET, **settings: object) -> Workspace:
    sections = {"paper": settings} if settings else {}
    return Workspace(directory, "paper", sections, environment={}, clock=Stopped(), data=data)


def test_an_account_without_settings_has_the_defaults(tmp_path: Path) -> None:
    broker = paper.momentum_broker(workspace(tmp_path))
    broker.advance(closes(0))
    outcome = broker.submit(request("buy", 10))
    assert isinstance(outcome, Confirmed)
    assert outcome.order.fill_price == 100 * (1 + 0.0005)
    assert broker.account().cash == 100_000 - 10 * (100 * (1 + 0.0005))
    assert (tmp_path / "data" / "paper.db").is_file()


def test_cash_slippage_and_commission_come_from_the_settings(tmp_path: Path) -> None:
    broker = paper.momentum_broker(workspace(tmp_path, cash=5_000, slippage=0.01, commission=2))
    broker.advance(closes(0))
    broker.submit(request("buy", 10))
    assert broker.account().cash == 5_000 - 10 * (100 * 1.01) - 2


def test_an_account_needs_market_data(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"plugins\.data"):
        paper.momentum_broker(workspace(tmp_path, data=None))


def test_an_order_whose_price_cannot_be_read_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    class Broken(FakeMarket):
        def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
            raise DataError("bars.parquet: cannot be read")

    broker = paper.momentum_broker(workspace(tmp_path, data=Broken([])))
    broker.advance(closes(0))
    assert broker.submit(request()) == Refused(RefusalKind.NO_PRICE, "bars.parquet: cannot be read")
    assert broker.orders(open_only=False) == ()


def test_the_schema_takes_the_defaults_that_it_names() -> None:
    schema = paper.momentum_settings_schema()
    parts = schema["properties"]
    sections = {"faults", "sell_fees"}
    defaults = {key: part["default"] for key, part in parts.items() if key not in sections}
    assert not any(part["default"] for key in sections for part in parts[key]["properties"].values())
    charged = {key: value for key, value in defaults.items() if value}
    assert charged == {"cash": 100_000, "slippage": "5bps"}
    defaults["slippage"] = parse_fraction(defaults["slippage"])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(defaults, schema)


@pytest.mark.parametrize(
    "wrong",
    [{"cash": 0}, {"slippage": 1}, {"commission": -1}, {"sell_fees": {"per_million": -1}}, {"cahs": 1}],
)
def test_the_schema_refuses_what_makes_no_account(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, paper.momentum_settings_schema())
