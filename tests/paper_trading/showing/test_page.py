from __future__ import annotations

import json
import re
import shutil

import pytest

from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.showing import document, page
from bistoury.paper_trading.showing.page import KINDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_page_needs_nothing_but_itself(traded):
    text = page(document(traded.events))

    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "uPlot" in text
    assert "PAPER" in text


def test_the_page_holds_the_document(traded):
    whole = document(traded.events, assumptions=PaperConfig().assumptions())
    [held] = re.findall(
        r'<script id="data" type="application/json">(.*?)</script>',
        page(whole),
        re.DOTALL,
    )
    found = json.loads(held)

    assert found["profit"] == str(whole["profit"])
    assert [row["px"] for row in found["rows"]] == ["101", "102", "99"]


def test_what_strangers_wrote_stays_data(traded):
    whole = document(traded.events)
    whole["account"] = "</script><script>alert(1)</script><!--"
    text = page(whole)

    assert "<script>alert" not in text
    assert "<!--alert" not in text


def test_a_served_page_asks_for_its_parts_and_its_data():
    text = page()

    for name in KINDS:
        assert f'"/paper/static/{name}"' in text
    assert 'id="data"' not in text
    assert "<script>" not in text


@pytest.mark.slow
@pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)
def test_a_browser_draws_both_charts_and_the_tables(traded, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    where = tmp_path / "report.html"
    whole = document(traded.events, assumptions=PaperConfig().assumptions())
    where.write_text(page(whole), "utf-8")
    with sync_api.sync_playwright() as it:
        browser = it.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        shown = browser.new_page()
        troubles = []
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.on("console", lambda it: troubles.append(it.text))
        shown.goto(where.as_uri())
        shown.wait_for_selector("#equity canvas")
        title = shown.inner_text("h1")
        canvases = shown.locator("canvas").count()
        fills = shown.locator("#fills tr").count()
        browser.close()

    assert troubles == []
    assert title.startswith("main: ")
    assert (canvases, fills) == (2, 4)
