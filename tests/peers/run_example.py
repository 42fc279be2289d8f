"""
One of hyperliquid-python-sdk's own example scripts, as it is, against a paper server.

The scripts name the SDK's constant for testnet; that constant is all that changes.
Arguments: the paper server's URL, the script, and what the script takes itself.
"""

import runpy
import sys
from pathlib import Path

URL, SCRIPT = sys.argv[1:3]

if __name__ == "__main__":
    from hyperliquid.utils import constants

    constants.TESTNET_API_URL = URL
    sys.argv = [SCRIPT, *sys.argv[3:]]
    sys.path.insert(0, str(Path(SCRIPT).parent))
    runpy.run_path(SCRIPT, run_name="__main__")
