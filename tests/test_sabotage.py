"""Each bug that ``make sabotage`` plants has its place in the source still."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _load():
    path = ROOT / "tools" / "sabotage.py"
    spec = importlib.util.spec_from_file_location("sabotage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


sabotage = _load()


@pytest.mark.parametrize("it", sabotage.SABOTAGES, ids=lambda it: it.name)
def test_a_bug_applies_to_the_source_and_leaves_valid_code(it):
    source = (ROOT / it.file).read_text("utf-8")
    broken = it.apply(source)
    assert broken != source
    compile(broken, it.file, "exec")
    for path in it.selection:
        if path.startswith("tests/"):
            assert (ROOT / path).is_file()


def test_a_bug_without_a_place_is_an_error_that_names_it():
    with pytest.raises(LookupError, match=r"restore: .* is 0 times in"):
        sabotage.SABOTAGES[0].apply("")


def test_there_are_three_bugs_in_the_client_and_three_in_recovery():
    files = [Path(it.file).name for it in sabotage.SABOTAGES]
    assert files.count("recovery.py") == 3
    assert len(files) == 6


def test_tests_that_find_nothing_and_tests_that_do_not_run_are_told_apart(tmp_path):
    good = tmp_path / "test_good.py"
    good.write_text("def test_it():\n    assert True\n")
    bad = tmp_path / "test_bad.py"
    bad.write_text("def test_it():\n    assert False\n")
    assert sabotage.examine(tmp_path, ("test_bad.py",)).is_found
    assert sabotage.examine(tmp_path, ("test_bad.py",)).by == "test_bad.py::test_it"
    assert not sabotage.examine(tmp_path, ("test_good.py",)).is_found
    assert not sabotage.examine(tmp_path, ("test_missing.py",)).is_found
