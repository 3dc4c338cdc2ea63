"""Receipts against states: only up, and in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.model.lattice import ENDED, ON_THE_PHONE, WAITING, WORDS, Effect, after, judge, rank
from smsnotify.model.message import MessageState, Receipt

S = MessageState
OPEN = [S.SENDING, S.UNKNOWN, S.ACCEPTED, S.SENT]
states = st.sampled_from(list(S))
words = st.sampled_from([*WORDS, None, S.UNKNOWN, S.QUEUED])
flags = st.booleans()


def hear(state: S, heard: list[S | None], *, told: bool = False) -> S:
    """Fold a list of words into a state, as the books do."""
    for word in heard:
        moved = after(state, Receipt(state=word), told=told)
        if moved is not None:
            state, told = moved, True
    return state


@given(states, words, flags, flags)
def test_a_receipt_never_moves_a_message_down(
    state: S, word: S | None, told: bool, other_try: bool
) -> None:
    moved = after(state, Receipt(state=word), told=told, other_try=other_try)
    assert moved is None or (moved == word and rank(moved) > rank(state))


@given(states, words, flags, flags)
def test_only_an_effect_that_moves_has_a_state(
    state: S, word: S | None, told: bool, other_try: bool
) -> None:
    verdict = judge(state, word, told=told, other_try=other_try)
    assert (verdict.state is not None) == (verdict.effect is Effect.MOVES)
    assert (verdict.effect is Effect.UNDOCUMENTED) == (word not in WORDS)


@given(
    st.sampled_from(OPEN),
    st.sampled_from([[], [S.DELIVERED], [S.UNDELIVERED], [S.FAILED], [S.DELIVERED, S.READ]]),
    st.lists(st.sampled_from([S.ACCEPTED, S.SENT, None]), max_size=6),
    st.randoms(),
)
def test_shuffled_doubled_and_delayed_receipts_lead_where_ordered_ones_lead(
    begun: S, ends: list[S], others: list[S | None], random: object
) -> None:
    ordered = [*others, *ends]
    shuffled = [*ordered, *ordered]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert hear(begun, shuffled) == hear(begun, ordered)


@given(st.sampled_from(OPEN), st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_the_first_final_word_stays_unless_it_was_read(begun: S, heard: list[S]) -> None:
    finals = [word for word in heard if word in ENDED | {S.DELIVERED}]
    end = hear(begun, heard)
    if S.READ in heard:
        assert end is S.READ
    elif finals:
        assert end is finals[0]


@given(st.sampled_from(sorted(ENDED)), st.lists(st.sampled_from(WORDS), max_size=8))
def test_what_we_ended_ourselves_only_comes_back_when_the_phone_has_it(
    ours: S, heard: list[S]
) -> None:
    on_the_phone = [word for word in heard if word in ON_THE_PHONE]
    expected = max(on_the_phone, key=rank) if on_the_phone else ours
    assert hear(ours, heard) is expected


@given(states, words, flags)
def test_of_another_try_only_that_the_phone_has_it_counts(
    state: S, word: S | None, told: bool
) -> None:
    moved = after(state, Receipt(state=word), told=told, other_try=True)
    if word in ON_THE_PHONE and rank(word) > rank(state):
        assert moved is word
    else:
        assert moved is None


@pytest.mark.parametrize("state", sorted(WAITING))
def test_a_waiting_message_is_taken_over_but_never_ended(state: S) -> None:
    for word in WORDS:
        verdict = judge(state, word)
        if word in ENDED:
            assert verdict == (Effect.EARLY, None)
        else:
            assert verdict == (Effect.MOVES, word)


def test_contradicting_words_of_one_try_are_conflicts() -> None:
    for first, second in [
        (S.DELIVERED, S.UNDELIVERED),
        (S.UNDELIVERED, S.DELIVERED),
        (S.FAILED, S.UNDELIVERED),
        (S.READ, S.FAILED),
    ]:
        assert judge(first, second, told=True).effect is Effect.CONFLICT


def test_every_word_is_judged_in_every_state() -> None:
    for state in S:
        for word in (*WORDS, None):
            for told in (False, True):
                assert judge(state, word, told=told).effect in Effect
