"""What the limits leave, as a decider is told, and when a scan skips its buys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from momentum.model.decision import LimitsLeft
from momentum.model.portfolio import Portfolio
from momentum.model.strategy import CapLimits, Limits
from momentum.risk.limits import limits_left, skip_buys
from risk_builders import TODAY, YESTERDAY, limits, market, order, portfolio, position, reading

SOURCE_LIMITS = replace(
    limits(max_buys_per_scan=2), caps={cap: CapLimits(2, 2) for cap in ("large", "mid", "small")}
)


def left(
    account: Portfolio, within: Limits = SOURCE_LIMITS, cap: str = "all", max_buys: int = 2
) -> LimitsLeft:
    return limits_left(account, within, market(caps={"B": "mid"}), cap=cap, max_buys=max_buys)


def test_an_empty_account_has_all_its_limits_left() -> None:
    found = left(portfolio())
    assert (found.positions, found.buys, found.position_size) == (6, 2, 0.10)
    assert found.by_cap == {"large": 2, "mid": 2, "small": 2, "unclassified": 2}
    assert found.exposure == pytest.approx(60_000.0)
    assert found.cash == 100_000.0


def test_what_is_held_and_pending_is_no_longer_left() -> None:
    found = left(portfolio(position("A", cap="large"), orders=[order("B", qty=500)]))
    assert found.positions == 4
    assert found.by_cap == {"large": 1, "mid": 1, "small": 2, "unclassified": 2}
    assert found.exposure == pytest.approx(45_000.0)
    assert found.cash == 85_000.0


def test_a_scan_of_one_size_class_is_told_of_that_class() -> None:
    assert left(portfolio(), cap="mid").by_cap == {"mid": 2}


def test_a_scan_cannot_ask_for_more_buys_than_the_limit() -> None:
    assert left(portfolio(), max_buys=9).buys == 2
    assert left(portfolio(), max_buys=1).buys == 1


def test_nothing_left_is_zero_and_never_less() -> None:
    crowded = portfolio(*(position(symbol, qty=2000) for symbol in "ABCDEFGH"), cash=-60_000.0)
    found = left(crowded)
    assert (found.positions, found.by_cap["small"], found.exposure, found.cash) == (0, 0, 0.0, 0.0)


def test_exposure_that_cannot_be_known_is_not_left() -> None:
    assert left(portfolio(orders=[order("XYZ")])).exposure == 0.0


def test_with_slots_at_fill_only_the_number_of_buys_limits_a_decider() -> None:
    full = portfolio(*(position(symbol, qty=100, cap="large") for symbol in "ABCDEF"))
    found = left(full, replace(SOURCE_LIMITS, slots="at_fill"))
    assert (found.positions, found.buys, found.by_cap["large"]) == (2, 2, 2)


# -- skip mode ----------------------------------------------------------------------------------------------


def skips(*scores: tuple[str, float], opened: object = YESTERDAY) -> bool:
    positions = [replace(position(symbol), opened=opened) for symbol, _ in scores]  # type: ignore[arg-type]
    return skip_buys(portfolio(*positions), [reading(*score) for score in scores], 3.0, TODAY)


def test_buys_are_skipped_while_every_older_position_is_healthy() -> None:
    assert skips(("A", 0.0), ("B", 2.0))


def test_one_weak_position_ends_skip_mode() -> None:
    assert not skips(("A", 0.0), ("B", 3.0))


def test_an_empty_account_buys() -> None:
    assert not skips()


def test_positions_opened_today_do_not_count() -> None:
    assert not skips(("A", 0.0), opened=TODAY)
    old, new = position("A"), replace(position("B"), opened=TODAY)
    assert skip_buys(portfolio(old, new), [reading("A", 1.0), reading("B", 9.0)], 3.0, TODAY)


def test_a_position_of_unknown_opening_counts_as_an_older_one() -> None:
    assert skips(("A", 0.0), opened=None)


def test_a_position_that_is_not_known_to_be_healthy_ends_skip_mode() -> None:
    assert not skips(("A", float("nan")))
    assert not skip_buys(portfolio(position("A")), [], 3.0, TODAY)
