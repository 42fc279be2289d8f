# ruff: noqa: INP001 -- a script, not a package
"""
Takes the pictures of the documentation, from a real client in a real outage.

``python tools/pictures.py`` starts a local venue, cuts the connection, and writes what
terminal and page show into ``docs/images``. It needs Chromium and Playwright.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console

from bistoury import Config, HyperLiquidIntegration
from bistoury.cli.viewer import Viewer
from bistoury.simulator import Settings, Venue
from bistoury.simulator.faults import Cut, Refuse

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COINS = ("BTC", "ETH", "SOL", "HYPE")
USER = "0x" + "0" * 35 + "a11ce"
_SIZE = (80, 24)


def draw(state: dict[str, Any], account: dict[str, Any] | None, name: str) -> None:
    """Write a picture of ``bistoury watch`` as SVG."""
    viewer = Viewer(state)
    if account is not None:
        viewer.press("tab")
        viewer.press("enter")
        viewer.account = account
    width, height = _SIZE
    console = Console(
        file=io.StringIO(), record=True, width=width, height=height, force_terminal=True
    )
    console.print(viewer.render(width, height))
    svg = console.export_svg(title="bistoury watch")
    # Fonts would be fetched from elsewhere; a reader's own is good enough.
    head, _, rest = svg.partition("@font-face")
    while rest:
        _, _, rest = rest.partition("}")
        before, face, rest = rest.partition("@font-face")
        head += before
        if not face:
            break
    (IMAGES / f"{name}.svg").write_text(head, "utf-8")


async def shoot(url: str) -> None:
    """Write pictures of the page."""
    from playwright.async_api import async_playwright  # noqa: PLC0415

    views = {
        "page": (1280, 860, "light", False),
        "page-incident": (1280, 860, "dark", True),
        "page-phone": (390, 760, "light", False),
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (width, height, scheme, is_open) in views.items():
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page = await context.new_page()
            await page.goto(url)
            await page.locator("#rows tr").first.wait_for()
            if is_open:
                await page.locator("#incidents summary").first.click()
                await page.get_by_text("What happened").wait_for()
                await page.locator("#h-incidents").scroll_into_view_if_needed()
            await asyncio.sleep(1.0)
            path = IMAGES / f"{name}.jpg"
            await page.screenshot(path=path, type="jpeg", quality=72)
        await browser.close()


async def main() -> None:
    """Play an outage and look at it from all sides."""
    IMAGES.mkdir(exist_ok=True)
    settings = Settings(coins=COINS, trade_rate=4.0, user_rate=2.0)
    async with Venue(settings) as venue:
        client = HyperLiquidIntegration(Config(network="local", api_url=venue.url))
        await client.connect()
        await client.subscribe_all_mids()
        await client.subscribe_user_fills(USER)
        for coin in COINS:
            await client.subscribe_trades(coin)
            await client.subscribe_orderbook(coin)
        await client.wait_ready(10)
        async with client.serve(port=0) as server:
            await asyncio.sleep(20)
            fault = venue.inject(Refuse())
            venue.inject(Cut())
            await asyncio.sleep(4.0)
            draw(client.get_state(), None, "watch-down")
            venue.heal(fault)
            venue.heal()
            await client.wait_ready(60)
            await asyncio.sleep(12)
            draw(client.get_state(), client.get_incident(1), "watch-incident")
            await shoot(server.url)
        await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
