"""The documentation site builds, and nothing on it leads nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
ZENSICAL = Path(sys.executable).parent / "zensical"


class Links(HTMLParser):
    """Collects where a page leads, and what can be led to."""

    def __init__(self):
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in ("a", "link") and found.get("href"):
            self.targets.append(found["href"])
        if tag in ("script", "img") and found.get("src"):
            self.targets.append(found["src"])
        if found.get("id"):
            self.names.add(found["id"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not ZENSICAL.exists():
        pytest.skip("zensical is missing: pip install -e .[docs]")
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "src"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = subprocess.run(
        [ZENSICAL, "build", "--clean"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def page(path):
    parser = Links()
    parser.feed(path.read_text("utf-8"))
    return parser


def test_every_page_of_the_docs_is_on_the_site_and_in_its_menu(site):
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    for source in (ROOT / "docs").rglob("*.md"):
        name = source.relative_to(ROOT / "docs")
        parts = (
            name.parent if name.stem in ("index", "README") else name.with_suffix("")
        )
        assert (site / parts / "index.html").exists(), name
        if "decisions" not in name.parts or name.stem == "README":
            assert f": {name.as_posix()}" in menu, f"{name} is not in mkdocs.yml"


def test_nothing_on_the_site_leads_nowhere(site):
    broken = []
    for path in site.rglob("*.html"):
        if path.name == "404.html":
            continue
        for target in page(path).targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            linked = (path.parent / unquote(parts.path)).resolve()
            if linked.is_dir():
                linked /= "index.html"
            if not linked.exists() or (
                parts.fragment and unquote(parts.fragment) not in page(linked).names
            ):
                broken.append((str(path.relative_to(site)), target))

    assert broken == []


def test_the_api_is_made_of_docstrings(site):
    text = (site / "reference" / "api" / "index.html").read_text("utf-8")

    for name in ("HyperLiquidIntegration", "Config", "AlertPlan", "subscribe_trades"):
        assert re.search(rf'id="bistoury[\w.]*\.{name}"', text), name
