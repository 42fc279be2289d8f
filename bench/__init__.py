"""
What it costs to take a message in: bistoury beside other clients, side by side.

``python -m bench`` runs everything and prints the verdicts; see ``__main__``.
"""
