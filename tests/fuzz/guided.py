"""
A coverage-guided fuzzer (atheris) for the decoder and the session.

    python tests/fuzz/guided.py -max_total_time=60 corpus/
"""

import atheris

with atheris.instrument_imports(include=["bistoury"]):
    import target

target.main(atheris)
