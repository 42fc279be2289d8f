from __future__ import annotations

from bistoury.observability.addresses import labels, shorten, shorten_bytes

ONE = "0xAbCd" + "0" * 32 + "1234"
OTHER = "0xAbCd" + "f" * 32 + "1234"


def test_every_address_keeps_its_ends_only():
    assert shorten(f"{ONE} and {OTHER}") == "0xAbCd…1234 and 0xAbCd…1234"


def test_bytes_are_shortened_as_text_is_and_x_may_be_a_capital():
    text = f"{ONE} and {OTHER.replace('0x', '0X')}"

    assert shorten(text) == "0xAbCd…1234 and 0XAbCd…1234"
    assert shorten_bytes(text.encode()) == shorten(text).encode()


def test_what_is_no_address_stays():
    assert shorten("trades(coin=BTC) 0x12") == "trades(coin=BTC) 0x12"


def test_users_that_end_alike_have_labels_of_their_own():
    found = labels([f"userFills(user={ONE})", f"userFills(user={OTHER})", "allMids"])

    assert list(found.values()) == [
        "userFills(user=0xAbCd…1234)",
        "userFills(user=0xAbCd…1234) #2",
        "allMids",
    ]
