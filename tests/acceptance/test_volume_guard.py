"""The volume guard: a run that suddenly wants to text far more people stops before it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from loopback import Answer, DetrackList, Loopback
from place import Place, event, job


@pytest.fixture
def guarded(place: Place, eight: Loopback) -> Loopback:
    """A live desk on 8x8 that may text two people unasked, or twice as many as usual."""
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url}
    place.settings(
        mode="live",
        accounts={"main": account},
        volume_guard={"first_live": 2, "times_usual": 2},
    )
    return eight


def _crowd(place: Place, count: int, first: int = 1) -> str:
    return place.events(*(event(number=number) for number in range(first, first + count)))


def test_more_people_than_usual_stop_the_run_before_anything_is_sent(
    place: Place, guarded: Loopback
) -> None:
    done = place.process(_crowd(place, 3))
    assert done.code == 3
    assert "this run would text 3 people, 2 are usual; nothing was sent" in done.err
    assert "--yes-volume" in done.err
    assert (done.summary["queued"], done.summary["sent"], guarded.seen) == (3, 0, [])
    assert {row["state"] for row in place.outbox()} == {"held"}
    # Nor does anything else let them go.
    for command in ("deliver", "tick"):
        place.json(command)
    assert guarded.seen == []


def test_the_same_command_with_yes_sends_them_once(place: Place, guarded: Loopback) -> None:
    file = _crowd(place, 3)
    place.process(file)
    done = place.process(file, "--yes-volume")
    assert (done.code, done.summary["sent"], done.summary["duplicates"]) == (0, 3, 0)
    assert len(guarded.sent) == 3
    assert {row["state"] for row in place.outbox()} == {"accepted"}


def test_the_same_person_counts_once(place: Place, guarded: Loopback) -> None:
    lines = [event(number=number, phone_number="91230001") for number in range(1, 6)]
    assert place.process(place.events(*lines)).summary["sent"] == 5


def test_what_is_usual_grows_with_what_was_sent(place: Place, guarded: Loopback) -> None:
    assert place.process(_crowd(place, 2)).summary["sent"] == 2
    assert place.process(_crowd(place, 4, 10)).summary["sent"] == 4
    assert place.process(_crowd(place, 8, 20)).summary["sent"] == 8
    assert place.process(_crowd(place, 17, 40)).code == 3
    assert len(guarded.sent) == 14


def test_on_a_terminal_it_asks(
    place: Place, guarded: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _crowd(place, 3)
    asked: list[str] = []

    def answer(word: bool) -> Callable[..., bool]:
        def ask(question: str, **_: object) -> bool:
            asked.append(question)
            return word

        return ask

    monkeypatch.setattr("smsnotify.cli.show.can_ask", lambda: True)
    monkeypatch.setattr("smsnotify.cli.show.confirm", answer(False))
    assert place.process(file).code == 3
    assert guarded.seen == []
    monkeypatch.setattr("smsnotify.cli.show.confirm", answer(True))
    assert place.process(file).summary["sent"] == 3
    assert asked == ["This run texts 3 people; 2 would be usual. Send them?"] * 2


def test_ctrl_c_at_the_question_is_a_no(
    place: Place, guarded: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("smsnotify.cli.show.can_ask", lambda: True)
    monkeypatch.setattr("smsnotify.cli.show.confirm", interrupted)
    assert place.process(_crowd(place, 3)).code == 3
    assert guarded.seen == []


def test_live_mode_is_guarded_unasked_and_rehearsals_are_not(
    place: Place, guarded: Loopback
) -> None:
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": guarded.url}
    place.settings(mode="live", accounts={"main": account})
    assert place.process(_crowd(place, 201)).code == 3
    assert guarded.seen == []
    place.settings(mode="live", accounts={"main": account}, volume_guard=False)
    assert place.process("--dry-run", _crowd(place, 201)).summary["queued"] == 201
    place.settings()
    assert place.process(_crowd(place, 201)).summary["sent"] == 201


def test_following_and_delivering_are_not_guarded(place: Place, guarded: Loopback) -> None:
    lines = (place / _crowd(place, 3)).read_bytes()
    done = place.process("--follow", "-", stdin=lines)
    assert (done.code, done.summary["sent"]) == (0, 3)


def test_queueing_is_guarded_too(place: Place, guarded: Loopback) -> None:
    assert place.process("--queue-only", _crowd(place, 3)).code == 3
    assert {row["state"] for row in place.outbox()} == {"held"}


def _dies_before_its_guard(monkeypatch: pytest.MonkeyPatch, place: Place, *args: str) -> None:
    """A run that was killed after it took everything in."""

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("smsnotify.engine.runs.Run.pass_guard", die)
        with pytest.raises(Killed):
            place.process(*args)


def test_a_killed_run_that_is_repeated_sends_each_text_once(
    place: Place, guarded: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _crowd(place, 2)
    _dies_before_its_guard(monkeypatch, place, file)
    assert place.json("deliver").json[0]["sent"] == 0  # nobody has counted yet
    done = place.process(file)
    assert (done.code, done.summary["sent"], len(guarded.sent)) == (0, 2, 2)
    assert place.process(file).summary["duplicates"] == 2


def test_snapshots_of_a_killed_run_are_not_forgotten_when_they_come_again(
    place: Place, guarded: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their second look shows nothing new: the books know them. The texts still wait.
    file = place.events(*(job(number, status="completed") for number in (1, 2)))
    _dies_before_its_guard(monkeypatch, place, file)
    rehearsed = place.process("--dry-run", file)
    assert (rehearsed.summary["events"], rehearsed.summary["queued"]) == (0, 2)
    done = place.process(file)
    assert (done.code, done.summary["sent"], len(guarded.sent)) == (0, 2, 2)
    assert place.process(file).summary["matched"] == 0


def test_a_pull_that_the_guard_stopped_goes_out_when_somebody_says_yes(
    place: Place, guarded: Loopback, serve: Callable[[Answer], Loopback]
) -> None:
    from datetime import UTC, datetime

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    jobs = [job(number, date=today, status="completed") for number in range(1, 4)]
    server = serve(DetrackList(*jobs))
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": guarded.url}
    tables: dict[str, Any] = {
        "accounts": {"main": account},
        "volume_guard": {"first_live": 2},
        "detrack": {"api_key": "detrack-key", "base_url": server.url},
    }
    place.settings(mode="live", **tables)
    assert place.json("pull", "detrack").code == 3
    assert place.json("pull", "detrack").code == 3
    assert guarded.seen == []
    done = place.json("pull", "detrack", "--yes-volume")
    assert (done.code, done.summary["sent"], len(guarded.sent)) == (0, 3, 3)
    assert place.json("pull", "detrack").summary["matched"] == 0
