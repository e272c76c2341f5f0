"""The page of a backtest as text: what it says, and that nothing from outside can break it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from backtest_builders import trade
from momentum.backtest.result import Result
from momentum.report.charts import drawdowns, equity_chart, holding_chart
from momentum.report.explained import explained, orders_of
from momentum.report.markup import data, el
from momentum.report.numbers import judged, numbers
from momentum.report.packed import unpacked
from momentum.report.page import comparison_page, strategy_page
from momentum.report.tradelist import held_sessions
from report_builders import reported

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Tags(HTMLParser):
    """The elements of a page with their attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._skipping = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._skipping = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._skipping = False

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.text += data


def page(result: Result) -> str:
    return strategy_page(judged(result))


def explanations(text: str) -> str:
    found = re.search(r'<script id="explanations" type="application/gzip">([^<]*)<', text)
    assert found
    return unpacked(found[1])


def hostile() -> Result:
    bad = trade(5.0, symbol=HOSTILE, reason=HOSTILE, cap=HOSTILE, signals={HOSTILE: 1.0})
    return replace(
        reported([bad, trade(-5.0)], strategy=HOSTILE),
        description=HOSTILE,
        sectors={HOSTILE: HOSTILE},
        benchmark_name=HOSTILE,
        settings={HOSTILE: {"value": HOSTILE, "origin": HOSTILE}, "backtest.x": {"value": HOSTILE}},
        data=HOSTILE,
        data_hash=HOSTILE,
        notes=(HOSTILE,),
    )


def test_a_page_says_what_ran_on_what_and_what_to_beware_of() -> None:
    text = Tags(page(reported())).text
    for said in (
        "momentum_breakout",
        "Gaps that follow through",
        "made for a test",
        "12 sessions",
        "the data holds no delisted symbol",
        "fill at the next session's open",
        "open, low, high, close",
        "slippage: 5bps",
        "sell fees per million: 27.8",
        "0123456789abcdef",
        "momentum.yaml:52",
    ):
        assert said in text


def test_a_page_names_no_other_place_to_load_from() -> None:
    links = [
        value
        for tag, attributes in Tags(page(reported())).found
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data") or tag in ("link", "iframe", "object", "base")
    ]
    assert links == []


def test_hostile_texts_add_no_element_and_no_handler_to_a_page() -> None:
    plain, broken = Tags(page(reported([trade(5.0), trade(-5.0)]))), Tags(page(hostile()))
    assert "img" not in {tag for tag, _ in broken.found}
    handlers = {name for _, attributes in broken.found for name in attributes if name.startswith("on")}
    scripts = [sum(tag == "script" for tag, _ in tags.found) for tags in (plain, broken)]
    assert handlers == set()
    assert scripts[0] == scripts[1]
    assert HOSTILE in broken.text


def test_hostile_names_add_no_element_to_a_comparison() -> None:
    tags = Tags(comparison_page([judged(hostile()), judged(reported())], ["a/report.html", "b/report.html"]))
    assert "img" not in {tag for tag, _ in tags.found}
    assert [attributes["href"] for tag, attributes in tags.found if tag == "a"] == [
        "a/report.html",
        "b/report.html",
    ]


def test_charts_are_given_names_that_plotly_does_not_read_as_html() -> None:
    written = json.dumps(
        [equity_chart([hostile()]), holding_chart(hostile().closed, held_sessions(hostile()))]
    )
    assert "<img" not in written and "<script" not in written and "&lt;img" in written


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_reads_back_from_an_element_as_it_was(text: str, name: str) -> None:
    text, name = (one.replace("\r", "").replace("\0", "") for one in (text, name))
    tags = Tags(el("p", text, title=name or None))
    assert tags.text == text
    assert tags.found == [("p", {"title": name} if name else {})]


@given(st.text(alphabet="<>&/!-script\"'\u2028", max_size=40))
@settings(max_examples=60)
def test_any_text_reads_back_from_a_data_element_and_cannot_end_it(text: str) -> None:
    written = data("x", [text])
    inside = written.removeprefix('<script id="x" type="application/json">').removesuffix("</script>")
    assert "<" not in inside
    assert json.loads(inside) == [text]


def test_every_trade_has_a_row_and_an_explanation_of_its_own() -> None:
    text = page(reported())
    rows = [attributes["id"] for tag, attributes in Tags(text).found if attributes.get("class") == "trade"]
    assert rows == ["trade-1", "trade-2", "trade-3"]
    assert list(json.loads(explanations(text))["trades"]) == rows


def test_an_explanation_tells_points_columns_the_exits_rule_and_the_orders() -> None:
    result = reported()
    parts = {part.title: dict(part.lines) for part in explained(result.trades[0], orders_of(result)[1])}
    assert parts["Points"] == {"gap": "2", "strength": "3"}
    assert parts["Known when it was decided"] == {"close": "99.5", "breakout_5d": "yes", "vix": "?"}
    assert parts["Why it ended"]["rule"] == "trailing stop, 5% under the highest price since the entry"
    assert [line.split(",")[0] for line in parts["Orders and fills"]] == [
        "buy 10 market",
        "sell 10 trailing stop 5%",
    ]


def test_a_trades_orders_are_not_those_of_the_next_trade_in_its_symbol() -> None:
    again = reported([trade(1.0, entry=1, exit=3), trade(2.0, entry=3, exit=5), trade(3.0, entry=6, exit=6)])
    found = {number: [one.client_id for one in orders] for number, orders in orders_of(again).items()}
    assert found == {number: [f"MU-buy-{number}", f"MU-sell-{number}"] for number in (1, 2, 3)}


def test_a_trade_is_held_as_many_sessions_as_lie_between() -> None:
    assert held_sessions(reported()) == {1: 2, 2: 0, 3: 7}


def test_a_backtest_without_a_trade_has_a_page_that_says_so() -> None:
    text = Tags(page(reported([]))).text
    assert "No trade was made." in text
    assert "no trade was closed" in text
    assert "Trade by trade" not in text


def test_a_single_session_has_a_page() -> None:
    assert "1 sessions" in Tags(page(reported([], sessions=1))).text


def test_a_metric_stands_beside_the_benchmarks_and_its_interval() -> None:
    by_name = {number.name: number for number in numbers(judged(reported()))}
    total = by_name["total_return"]
    assert total.benchmark == "+5.5%"
    assert by_name["sharpe"].interval and " to " in by_name["sharpe"].interval
    assert by_name["win_rate"].text == "50.0%" and by_name["win_rate"].benchmark == ""


def test_a_drawdown_is_measured_from_the_highest_value_so_far() -> None:
    assert drawdowns([100.0, 110.0, 99.0, 120.0]) == [0.0, 0.0, 99.0 / 110.0 - 1, 0.0]
