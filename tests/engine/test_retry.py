"""Retry times, the circuit breaker and rates: pure, over a clock that is turned by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.engine.breaker import FAILURES, LONGEST_PAUSE_S, Breaker
from smsnotify.engine.rate import TokenBucket
from smsnotify.engine.retry import (
    FAIL_OVER,
    LONGEST_WAIT_S,
    LOOKS_S,
    MOST_RESENDS,
    MOST_TRIES,
    Step,
    backoff_s,
    next_step,
)
from smsnotify.model.message import (
    ABOUT_ACCOUNT,
    ABOUT_RECIPIENT,
    ErrorWord,
    MessageState,
    Outcome,
    Result,
)

WORDS = st.sampled_from(ErrorWord)


class Hand:
    """A monotonic clock turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def widest(low: float, high: float) -> float:
    return high


def step(result: Result, error: ErrorWord | None = None, **facts: Any) -> Step:
    outcome = Outcome(
        message_id="one",
        result=result,
        error=error,
        retry_after_s=facts.pop("retry_after_s", None),
    )
    known: dict[str, Any] = {
        "tries": 1,
        "others": False,
        "resend_unknown": False,
        "expires_in_s": None,
        "draw": widest,
    }
    return next_step(outcome, **(known | facts))


@given(tries=st.integers(1, 10_000), part=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_wait_lies_between_nothing_and_twice_the_wait_before(tries: int, part: float) -> None:
    wait_s = backoff_s(tries, lambda low, high: low + (high - low) * part)
    assert 0 <= wait_s <= min(2.0 ** min(tries - 1, 60), LONGEST_WAIT_S)


def test_the_first_wait_is_at_most_two_seconds() -> None:
    assert backoff_s(1, widest) <= 2


@pytest.mark.parametrize("word", sorted(ABOUT_RECIPIENT))
@pytest.mark.parametrize("others", [True, False])
def test_a_word_about_the_person_or_the_text_is_final(word: ErrorWord, others: bool) -> None:
    assert step(Result.REJECTED, word, others=others) == Step(MessageState.FAILED)
    assert word not in FAIL_OVER


@pytest.mark.parametrize("word", sorted(ABOUT_ACCOUNT))
def test_a_fault_of_the_account_is_the_next_accounts_chance(word: ErrorWord) -> None:
    assert step(Result.REJECTED, word, others=True) == Step(MessageState.QUEUED)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (ErrorWord.BAD_CREDENTIALS, MessageState.QUEUED),
        (ErrorWord.NO_CREDIT, MessageState.QUEUED),
        (ErrorWord.SENDER_REJECTED, MessageState.FAILED),
    ],
)
def test_the_last_account_keeps_a_good_text_and_fails_a_refused_sender(
    word: ErrorWord, state: MessageState
) -> None:
    assert step(Result.REJECTED, word).state is state


@given(word=st.none() | WORDS, others=st.booleans(), tries=st.integers(1, 99))
@settings(max_examples=50, deadline=None)
def test_an_unknown_outcome_is_looked_up_first(
    word: ErrorWord | None, others: bool, tries: int
) -> None:
    assert step(Result.UNKNOWN, word, others=others, tries=tries) == Step(
        MessageState.UNKNOWN, LOOKS_S[0]
    )


def test_resending_on_suspicion_backs_off_and_ends() -> None:
    first = step(Result.UNKNOWN, resend_unknown=True)
    last = step(Result.UNKNOWN, resend_unknown=True, tries=MOST_RESENDS)
    assert first == Step(MessageState.QUEUED, 1.0)
    assert last.state is MessageState.UNKNOWN


def test_retry_after_is_obeyed_unless_another_account_may_try() -> None:
    limited = ErrorWord.RATE_LIMITED
    assert step(Result.RETRY, limited, retry_after_s=30.0).wait_s == 30
    assert step(Result.RETRY, limited, retry_after_s=30.0, others=True).wait_s == 1


def test_a_retry_that_would_come_too_late_is_given_up() -> None:
    down = ErrorWord.PROVIDER_DOWN
    assert step(Result.RETRY, down, expires_in_s=0.5).state is MessageState.EXPIRED
    assert step(Result.RETRY, down, expires_in_s=5.0).state is MessageState.QUEUED
    assert step(Result.RETRY, down, tries=MOST_TRIES).state is MessageState.FAILED


@given(
    result=st.sampled_from([Result.REJECTED, Result.RETRY, Result.UNKNOWN]),
    word=st.none() | WORDS,
    others=st.booleans(),
    resend=st.booleans(),
    tries=st.integers(1, 60),
    expires=st.none() | st.floats(0, 1e6),
)
@settings(max_examples=100, deadline=None)
def test_nothing_that_was_not_accepted_becomes_accepted(
    result: Result,
    word: ErrorWord | None,
    others: bool,
    resend: bool,
    tries: int,
    expires: float | None,
) -> None:
    came_to = step(
        result, word, others=others, resend_unknown=resend, tries=tries, expires_in_s=expires
    )
    assert came_to.wait_s >= 0
    assert came_to.state in {
        MessageState.QUEUED,
        MessageState.UNKNOWN,
        MessageState.FAILED,
        MessageState.EXPIRED,
    }


def open_breaker(hand: Hand) -> Breaker:
    breaker = Breaker(hand)
    for _ in range(FAILURES):
        breaker.started()
        breaker.failed()
    return breaker


def test_a_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(Hand())
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.answered()
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert not breaker.is_open
    breaker.failed()
    assert breaker.is_open


def test_one_probe_decides_after_the_pause() -> None:
    hand = Hand()
    breaker = open_breaker(hand)
    assert breaker.wait_s() == 1
    hand.now += 1
    assert breaker.is_half_open
    breaker.started()
    assert breaker.is_open
    breaker.answered()
    assert not breaker.is_open
    assert not breaker.is_half_open
    assert breaker.wait_s() == 0


def test_every_failed_probe_doubles_the_pause() -> None:
    hand = Hand()
    breaker = open_breaker(hand)
    pauses = []
    for _ in range(8):
        hand.now += breaker.wait_s()
        breaker.started()
        breaker.failed()
        pauses.append(breaker.wait_s())
    assert pauses == [2, 4, 8, 16, 32, 60, 60, LONGEST_PAUSE_S]


def test_failures_of_older_requests_do_not_lengthen_the_pause() -> None:
    breaker = open_breaker(Hand())
    breaker.failed()
    assert breaker.wait_s() == 1


def test_a_probe_that_was_not_made_lets_another_one_go() -> None:
    hand = Hand()
    breaker = open_breaker(hand)
    hand.now += 1
    breaker.started()
    breaker.not_started()
    assert breaker.is_half_open


def test_no_rate_means_no_limit() -> None:
    bucket = TokenBucket(None, Hand())
    bucket.take(1_000_000)
    assert (bucket.ready(), bucket.wait_s()) == (None, 0)


@given(
    rate=st.floats(0.2, 60),
    naps=st.lists(st.floats(0, 0.5), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_no_second_holds_more_than_the_rate(rate: float, naps: list[float]) -> None:
    hand = Hand()
    bucket = TokenBucket(rate, hand)
    taken: list[float] = []
    for nap in naps:
        hand.now += nap
        ready = bucket.ready() or 0
        bucket.take(ready)
        taken += [hand.now] * ready
    for begin in taken:
        in_a_second = sum(begin <= one < begin + 1 for one in taken)
        assert in_a_second <= rate * 1.05 + 2


def test_a_batch_that_overdraws_is_paid_back_before_the_next() -> None:
    hand = Hand()
    bucket = TokenBucket(10.0, hand)
    bucket.take(10)
    assert bucket.ready() == 0
    assert bucket.wait_s() == pytest.approx(1.0)
    hand.now += bucket.wait_s()
    assert bucket.ready() == 1
