from __future__ import annotations

from bistoury.observability.addresses import labels, shorten

ONE = "0xAbCd" + "0" * 32 + "1234"
OTHER = "0xAbCd" + "f" * 32 + "1234"


def test_every_address_keeps_its_ends_only():
    assert shorten(f"{ONE} and {OTHER}") == "0xAbCd…1234 and 0xAbCd…1234"


def test_what_is_no_address_stays():
    assert shorten("trades(coin=BTC) 0x12") == "trades(coin=BTC) 0x12"


def test_users_that_end_alike_have_labels_of_their_own():
    found = labels([f"userFills(user={ONE})", f"userFills(user={OTHER})", "allMids"])

    assert list(found.values()) == [
        "userFills(user=0xAbCd…1234)",
        "userFills(user=0xAbCd…1234) #2",
        "allMids",
    ]
