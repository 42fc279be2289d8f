"""``python -m bistoury``."""

from .cli import main

main()
