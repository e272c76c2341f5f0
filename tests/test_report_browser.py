"""The page of a backtest in a real browser: it draws, sorts, filters and explains, and fetches nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backtest_builders import trade
from momentum.report.numbers import judged
from momentum.report.write import write
from report_builders import TRADES, reported

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: no browser to look with"
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium or chrome here")

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


class Looked:
    """A report opened in a browser, and all that went wrong or went out meanwhile."""

    def __init__(self, browser: Any, file: Path, width: int, anchor: str = "") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri() + anchor)
        self.page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)

    def symbols(self) -> list[str]:
        return [
            text.removeprefix("▸ ")
            for text in self.page.locator("tr.trade:visible td:nth-child(2)").all_inner_texts()
        ]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trades = (*TRADES, trade(-30.0, symbol=HOSTILE, entry=5, exit=6, reason=HOSTILE))
    return write(tmp_path_factory.mktemp("report"), [judged(reported(trades))])[0]


@pytest.mark.parametrize("width", [360, 1400])
def test_a_report_draws_its_charts_fits_the_screen_and_fetches_nothing(
    browser: Any, report: Path, width: int
) -> None:
    looked = Looked(browser, report, width)
    assert looked.page.locator(".chart .main-svg").count() >= 5
    assert looked.page.evaluate("document.documentElement.scrollWidth") <= width
    assert looked.complaints == []
    assert looked.requests == [report.as_uri()]


def test_a_comparison_draws_too(browser: Any, tmp_path: Path) -> None:
    file = write(tmp_path, [judged(reported(strategy="one")), judged(reported(strategy="two"))])[0]
    looked = Looked(browser, file, 800)
    assert looked.page.locator(".chart .main-svg").count() >= 1
    looked.page.locator("a", has_text="two").click()
    looked.page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
    assert looked.page.url.endswith("/two/report.html")
    assert looked.complaints == []


def test_a_row_opens_its_explanation_and_a_hostile_symbol_stays_text(browser: Any, report: Path) -> None:
    looked = Looked(browser, report, 1400)
    row = looked.page.locator("#trade-4")
    row.click()
    detail = looked.page.locator("#trade-4 + tr.detail")
    assert "Orders and fills" in detail.inner_text()
    assert HOSTILE in row.inner_text() and HOSTILE in detail.inner_text()
    row.click()
    assert detail.count() == 0
    assert looked.page.locator("img").count() == 0
    assert looked.complaints == []


def test_a_link_to_a_trade_opens_it(browser: Any, report: Path) -> None:
    looked = Looked(browser, report, 390, "#trade-2")
    detail = looked.page.locator("#trade-2 + tr.detail")
    detail.wait_for()
    assert "signal: close < sma_20" in detail.inner_text()


def test_trades_are_filtered_by_symbol_and_sorted_by_what_they_earned(browser: Any, report: Path) -> None:
    looked = Looked(browser, report, 1400)
    earned = looked.page.locator("#trades th button", has_text="P/L").first
    earned.click()
    assert looked.symbols() == ["AMD", HOSTILE, "MU", "INTC"]  # what is still open stands last
    earned.click()
    assert looked.symbols() == ["MU", HOSTILE, "AMD", "INTC"]
    looked.page.fill("#filter", "m")
    assert looked.symbols() == ["MU", HOSTILE, "AMD"]
    looked.page.fill("#filter", "amd")
    assert looked.symbols() == ["AMD"]
    assert looked.page.locator("#shown").inner_text() == "1 trade"
