from __future__ import annotations

import pytest

from bistoury.config_places import places
from bistoury.errors import ConfigError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {"PATH": "/bin", "Bistoury_Network": "local"})
    return tmp_path


def test_the_strongest_place_comes_first(folder):
    (folder / ".env").write_text("BISTOURY_PROXY=http://a\nOTHER=1\n")
    (folder / "bistoury.toml").write_text("trust_env = true\n[limits]\nusers = 3\n")

    given, environment, env_file, toml_file = places({"limits": {"users": 5}})

    assert given.said == {"limits.users": ("limits.users", 5)}
    assert environment.said == {"network": ("Bistoury_Network", "local")}
    assert env_file.said == {"proxy": ("BISTOURY_PROXY", "http://a")}
    assert toml_file.said == {
        "trust_env": ("trust_env", True),
        "limits.users": ("limits.users", 3),
    }


def test_each_place_spells_a_setting_in_its_way():
    given, environment, *_ = places({})

    assert given.key("limits.users") == "limits.users"
    assert environment.key("limits.users") == "BISTOURY_LIMITS__USERS"


def test_files_that_are_not_there_say_nothing():
    assert [place.said for place in places({})][2:] == [{}, {}]


@pytest.mark.parametrize(
    ("name", "content"),
    [(".env", b"A=\xff"), ("bistoury.toml", b"\xff"), ("bistoury.toml", b"a = ")],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(folder, name, content):
    (folder / name).write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        list(places({}))

    assert caught.value.field == name


def test_a_folder_in_place_of_the_file_is_refused_by_name(folder):
    (folder / "bistoury.toml").mkdir()
    (folder / ".env").mkdir()  # where some keep a virtual environment

    with pytest.raises(ConfigError, match="directory") as caught:
        list(places({}))

    assert caught.value.field == "bistoury.toml"
