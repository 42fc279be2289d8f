"""
hyperliquid-python-sdk's own example scripts: where they are published, and their sums.

They are no part of its package, so they are fetched once, into the environment of the
peers, and used only if they are what was published.
"""

import hashlib
import urllib.request

PUBLISHED = (
    "https://raw.githubusercontent.com/hyperliquid-dex/hyperliquid-python-sdk"
    "/{commit}/examples/{name}"
)
SCRIPTS = {
    "example_utils.py": (
        "239e5f1c952630dc189b1fcd831db7935cad5b9c",
        "48983d8c4502ae65f7cb8404b55aa9c7ba9a763b7aaf8a5989dbcea2b2d57f05",
    ),
    "basic_order.py": (
        "abb0688d9bd5324274674479c39be23b8f4f48c6",
        "503651a276b65e5cf23718c80b77a64a280d37e27a08542e852265eb79201f2b",
    ),
    "basic_order_with_cloid.py": (
        "6cb8b1ffb4e0e2eb581b519f05f38945130d56bf",
        "b5abddbf85adaeff247728f1ea0997a96829f22ddee6d84388b08c1d65ce4db4",
    ),
    "basic_order_modify.py": (
        "04f25f28536e58681efc3809baab671938baf724",
        "0f2cbeb189da273852f8541d1e8ffef8e5523f49a17a1d831665382f300b6c76",
    ),
    "basic_tpsl.py": (
        "6cb8b1ffb4e0e2eb581b519f05f38945130d56bf",
        "930386331a6274eb5ecf6acfdf65bcabf75dbf21b2fe981873a12cb4559f3ac4",
    ),
    "basic_leverage_adjustment.py": (
        "6cb8b1ffb4e0e2eb581b519f05f38945130d56bf",
        "22d034c596771083e6fa59c47cedc840433a565c66ac2739395c3e72bb79be66",
    ),
    "basic_market_order.py": (
        "2567092266174b7b9522f6bab76777b6e5283429",
        "71d4342911dd9e31fb1bf7561a3bd45123f58a0443a767bbce6fff485830ef42",
    ),
    "basic_schedule_cancel.py": (
        "ddc400cde75b7ecee4bf25df9912b820df96d61c",
        "1bed9dde73d259d74da8bbb3edab1cc3d8995e64dac03735d3d6ec7d00f40caa",
    ),
}
_WITHIN = 10.0


def fetch(folder):
    """
    Put what is missing into ``folder``; return it.

    Raises:
        OSError: it cannot be fetched.
        ValueError: it is not what was published.
    """
    folder.mkdir(exist_ok=True)
    for name, (commit, expected) in SCRIPTS.items():
        path = folder / name
        if not path.is_file():
            url = PUBLISHED.format(commit=commit, name=name)
            with urllib.request.urlopen(url, timeout=_WITHIN) as answer:
                path.write_bytes(answer.read())
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise ValueError(f"{path} is not the script that was published")
    return folder
