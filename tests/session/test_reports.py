from __future__ import annotations

from bistoury.session import effects as do
from bistoury.session import notices as say
from bistoury.session.breaker import Breaker
from bistoury.session.reports import Reports


def reports():
    effects = []
    return Reports(effects), effects


def told(effects):
    """Return what was told since the last look."""
    notices = [effect.notice for effect in effects]
    effects.clear()
    return notices


def test_what_is_told_is_an_effect():
    it, effects = reports()
    it.announce(say.Connected(1))

    assert effects == [do.Announce(say.Connected(1))]


def test_reasons_are_told_when_they_change():
    it, effects = reports()
    it.reasons(())
    assert told(effects) == []
    it.reasons(("a",))
    assert told(effects) == [say.Degraded(("a",))]
    it.reasons(("a",))
    assert told(effects) == []
    it.reasons(("a", "b"))
    assert told(effects) == [say.Degraded(("a", "b"))]


def test_that_all_is_well_again_is_not_told_but_known():
    it, effects = reports()
    it.reasons(("a",))
    it.reasons(())
    assert len(told(effects)) == 1

    it.reasons(("a",))
    assert told(effects) == [say.Degraded(("a",))]


def test_reasons_are_told_anew_on_the_next_connection():
    it, effects = reports()
    it.reasons(("a",))
    it.forget_reasons()
    it.reasons(("a",))

    assert len(told(effects)) == 2


def test_the_breaker_is_told_of_when_its_state_changes():
    it, effects = reports()
    breaker = Breaker(2, 10.0)
    it.breaker(breaker, 0.0)
    breaker.failed(1.0)
    it.breaker(breaker, 1.0)
    assert told(effects) == []

    breaker.failed(2.0)
    it.breaker(breaker, 2.0)
    it.breaker(breaker, 3.0)
    assert told(effects) == [say.BreakerChanged("open", 2)]
    it.breaker(breaker, 12.0)
    assert told(effects) == [say.BreakerChanged("half_open", 2)]
    breaker.succeeded(13.0)
    it.breaker(breaker, 13.0)
    assert told(effects) == [say.BreakerChanged("closed", 0)]
