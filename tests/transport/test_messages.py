from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.transport.messages import (
    Assembly,
    ViolationError,
    is_utf8,
    is_valid_close_code,
)


@given(st.text(), st.lists(st.integers(0, 200), max_size=5))
def test_text_survives_being_cut_anywhere(text, cuts):
    data = text.encode()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    parts = [data[a:b] for a, b in pairwise(places)] or [b""]
    assembly = Assembly(10_000, 100)

    message = assembly.begin(parts[0], is_text=True, fin=len(parts) == 1)
    for number, part in enumerate(parts[1:], 2):
        assert message is None
        assert assembly.is_open
        message = assembly.go_on(part, fin=number == len(parts))

    assert message == data
    assert not assembly.is_open


@given(st.binary())
def test_agrees_with_python_on_what_is_text(data):
    assert is_utf8(data) == (data.decode(errors="replace").encode() == data)


def test_binary_is_not_checked_as_text():
    assert Assembly(10, 10).begin(b"\xff", is_text=False, fin=True) == b"\xff"


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        (0, False),
        (999, False),
        (1000, True),
        (1003, True),
        (1004, False),
        (1005, False),
        (1006, False),
        (1007, True),
        (1014, True),
        (1015, False),
        (1016, False),
        (2999, False),
        (3000, True),
        (4999, True),
        (5000, False),
        (65535, False),
    ],
)
def test_knows_the_close_codes_a_peer_may_send(code, valid):
    assert is_valid_close_code(code) is valid


def test_the_bounds_are_inclusive():
    assembly = Assembly(4, 2)
    assembly.begin(b"ab", is_text=True, fin=False)
    assert assembly.go_on(b"cd", fin=True) == b"abcd"

    assembly.begin(b"ab", is_text=True, fin=False)
    with pytest.raises(ViolationError) as caught:
        assembly.go_on(b"cde", fin=True)
    assert caught.value.code == 1009


def test_the_number_of_fragments_is_bounded():
    assembly = Assembly(4, 2)
    assembly.begin(b"", is_text=True, fin=False)
    assembly.go_on(b"", fin=False)
    with pytest.raises(ViolationError) as caught:
        assembly.go_on(b"", fin=True)
    assert caught.value.code == 1009


def test_order_is_checked():
    assembly = Assembly(4, 2)
    with pytest.raises(ViolationError) as caught:
        assembly.go_on(b"", fin=True)
    assert caught.value.code == 1002
    assembly.begin(b"", is_text=True, fin=False)
    with pytest.raises(ViolationError) as caught:
        assembly.begin(b"", is_text=True, fin=False)
    assert caught.value.code == 1002
