from __future__ import annotations

from bistoury.serving.panels import drawn

USER = "0xAbCd" + "0" * 32 + "1234"


def test_a_panel_is_texts_without_an_address():
    (panel,) = drawn(
        [lambda: {"title": "A", "columns": ("user", "n"), "rows": [(USER, 1)]}]
    )

    assert panel == {
        "title": "A",
        "note": "",
        "columns": ["user", "n"],
        "rows": [["0xAbCd…1234", "1"]],
    }


def test_a_panel_that_fails_says_so_and_harms_no_other():
    def broken():
        raise ValueError("no")

    first, second = drawn([broken, lambda: {"title": "B", "columns": (), "rows": ()}])

    assert "ValueError" in first["note"]
    assert second["title"] == "B"


def test_a_panel_is_bounded():
    (panel,) = drawn(
        [lambda: {"title": "A", "columns": ("n",), "rows": [(n,) for n in range(9999)]}]
    )

    assert len(panel["rows"]) == 200
