from __future__ import annotations

import pytest

from bistoury.session.state import CONNECTED, TRANSITIONS, TRYING, State, Trigger

S, T = State, Trigger

TABLE = {
    (S.IDLE, T.CONNECT, S.CONNECTING),
    (S.IDLE, T.HELD_BACK, S.BACKOFF),
    (S.IDLE, T.CLOSE, S.CLOSED),
    (S.CONNECTING, T.OPENED, S.SYNCING),
    (S.CONNECTING, T.LOST, S.BACKOFF),
    (S.CONNECTING, T.GAVE_UP, S.CLOSED),
    (S.CONNECTING, T.CLOSE, S.CLOSING),
    (S.SYNCING, T.SYNCED, S.LIVE),
    (S.SYNCING, T.LOST, S.BACKOFF),
    (S.SYNCING, T.GAVE_UP, S.CLOSED),
    (S.SYNCING, T.CLOSE, S.CLOSING),
    (S.LIVE, T.LOST, S.BACKOFF),
    (S.LIVE, T.GAVE_UP, S.CLOSED),
    (S.LIVE, T.CLOSE, S.CLOSING),
    (S.BACKOFF, T.RETRY_DUE, S.CONNECTING),
    (S.BACKOFF, T.GAVE_UP, S.CLOSED),
    (S.BACKOFF, T.CLOSE, S.CLOSED),
    (S.CLOSING, T.LOST, S.CLOSED),
    (S.CLOSING, T.TIMED_OUT, S.CLOSED),
    (S.CLOSED, T.CONNECT, S.CONNECTING),
    (S.CLOSED, T.HELD_BACK, S.BACKOFF),
}


def reachable(start, moves):
    seen, frontier = set(), {start}
    while frontier:
        seen |= frontier
        frontier = {new for old in frontier for new in moves(old)} - seen
    return seen


def test_the_moves_are_these_and_no_others():
    found = {
        (old, trigger, new)
        for old, moves in TRANSITIONS.items()
        for trigger, new in moves.items()
    }

    assert found == TABLE


def test_every_state_and_every_trigger_is_used():
    assert set(TRANSITIONS) == set(State)
    assert {trigger for _, trigger, _ in TABLE} == set(Trigger)


def test_every_state_can_be_reached_from_the_beginning():
    assert reachable(S.IDLE, lambda old: TRANSITIONS[old].values()) == set(State)


@pytest.mark.parametrize("state", list(State))
def test_every_state_leads_to_closed_and_closed_leads_to_live(state):
    seen = reachable(state, lambda old: TRANSITIONS[old].values())

    assert {S.CLOSED, S.LIVE} <= seen


def test_the_states_are_grouped_by_what_they_mean():
    assert {S.SYNCING, S.LIVE} == CONNECTED
    assert {S.CONNECTING, S.SYNCING, S.BACKOFF} == TRYING


def test_states_are_called_what_the_contract_calls_them():
    assert {str(state) for state in State} == {
        *("idle", "connecting", "syncing", "live", "backoff", "closing", "closed")
    }


def test_the_states_are_ranked_by_how_far_they_are_from_live():
    ranked = sorted(State, key=lambda state: state.rank)

    assert ranked == [
        *(S.CLOSED, S.IDLE, S.CLOSING, S.BACKOFF, S.CONNECTING, S.SYNCING, S.LIVE)
    ]
    assert [state.rank for state in ranked] == list(range(7))
