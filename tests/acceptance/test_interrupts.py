"""Ctrl-C, SIGTERM and kill -9 on real processes: said plainly, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from loopback import Loopback, Reply, Seen, TwilioDesk
from place import Place, event, wait_for

from smsnotify.cli.interrupts import Interrupts
from smsnotify.engine.ticking import TICKED
from smsnotify.store.open import open_store

TEXTS = 10
IN_FLIGHT = 2


def _lines(count: int, first: int = 1) -> bytes:
    numbers = range(first, first + count)
    return b"".join(json.dumps(event(number=number)).encode() + b"\n" for number in numbers)


def test_ctrl_c_while_waiting_for_input_keeps_what_was_read(place: Place) -> None:
    told = place / "told.jsonl"
    with told.open("wb") as out, place.child("process", "--json", "-", stdout=out) as child:
        assert child.stdin is not None
        child.stdin.write(_lines(2500))
        child.stdin.flush()
        wait_for(lambda: told.stat().st_size)
        done = place.end(child)
    assert done.code == 130
    assert "interrupted after line 2,000 of -; nothing is lost" in done.err
    assert "2,000 texts are not sent yet" in done.err
    summary = json.loads(told.read_bytes().splitlines()[-1])
    assert (summary["queued"], summary["sent"]) == (2000, 0)
    again = place.json("process", "-", stdin=_lines(2500))
    assert (again.code, again.summary["duplicates"], again.summary["sent"]) == (0, 2000, 2500)
    assert {row["attempts"] for row in place.outbox()} == {1}


@pytest.fixture
def slow(place: Place, twilio: Loopback) -> Iterator[tuple[TwilioDesk, threading.Event]]:
    """A Twilio that takes a text and answers when it is told to; two requests in flight."""
    desk, answer_now = TwilioDesk(), threading.Event()
    account: dict[str, Any] = {
        "provider": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": "t",
        "sender": "+6531590000",
        "base_url": twilio.url,
        "concurrency": IN_FLIGHT,
    }
    place.settings(mode="live", accounts={"backup": account})

    def answer(seen: Seen) -> Reply:
        reply = desk(seen)
        answer_now.wait(30)
        return reply

    twilio.answer = answer
    yield desk, answer_now
    answer_now.set()


def test_ctrl_c_while_sending_stops_at_a_message_boundary(
    place: Place, twilio: Loopback, slow: tuple[TwilioDesk, threading.Event]
) -> None:
    desk, answer_now = slow
    (place / "events.jsonl").write_bytes(_lines(TEXTS))
    with place.child("process", "--json", "events.jsonl") as child:
        wait_for(lambda: len(desk.rows) == IN_FLIGHT)
        child.send_signal(signal.SIGINT)
        answer_now.set()
        out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    summary = json.loads(out.splitlines()[-1])
    sent = summary["sent"]
    assert sent == len(desk.rows) < TEXTS
    assert f"{TEXTS - sent} texts are still queued" in err.decode()
    assert "interrupted at a message boundary; nothing is lost" in err.decode()
    assert place.json("deliver").json[0]["sent"] == TEXTS - sent
    assert len({row["to"] for row in desk.rows}) == len(desk.rows) == TEXTS


def test_a_process_that_is_killed_while_sending_loses_nothing_and_repeats_nothing(
    place: Place, twilio: Loopback, slow: tuple[TwilioDesk, threading.Event]
) -> None:
    desk, answer_now = slow
    (place / "events.jsonl").write_bytes(_lines(TEXTS))
    with place.child("process", "--json", "events.jsonl") as child:
        wait_for(lambda: len(desk.rows) == IN_FLIGHT)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=30)
    answer_now.set()
    for row in desk.rows:
        row["date_created"] = place.http_date()
    states = [row["state"] for row in place.outbox()]
    assert sorted(set(states)) == ["queued", "sending"]
    assert states.count("sending") == IN_FLIGHT
    begun = datetime.now(UTC)
    for later_s in (40, 50):  # its leases are over; then the first look at Twilio is due
        with time_machine.travel(begun + timedelta(seconds=later_s), tick=True):
            assert place.json("tick").code == 0
    assert {row["state"] for row in place.outbox()} == {"accepted"}
    assert len({row["to"] for row in desk.rows}) == len(desk.rows) == TEXTS


def test_a_service_that_is_told_to_stop_ends_in_order(place: Place) -> None:
    (place / "events.jsonl").write_bytes(_lines(1))
    told = place / "told.jsonl"
    args = ("process", "--follow", "--json", "events.jsonl")
    with told.open("wb") as out, place.child(*args, stdout=out) as child:
        wait_for(lambda: told.stat().st_size and place.outbox("--state", "delivered"))
        done = place.end(child, signal.SIGTERM)
    assert done.code == 130
    assert json.loads(told.read_bytes().splitlines()[-1])["sent"] == 1


def test_a_watch_sends_what_comes_until_it_is_told_to_stop(place: Place) -> None:
    with place.child("deliver", "--watch", "--json") as child:
        assert child.stderr is not None
        assert b"watching the outbox" in child.stderr.readline()
        file = place.events(event())
        assert place.json("process", "--queue-only", file).summary["queued"] == 1
        wait_for(lambda: place.outbox("--state", "delivered"))
        done = place.end(child)
    assert (done.code, json.loads(done.out)["sent"]) == (0, 1)


def _work(signals: list[signal.Signals]) -> list[str]:
    """Get signals in the middle of something that must be whole; tell how far it came."""
    interrupts, came = Interrupts(), []
    try:
        with interrupts.heard(), interrupts.after():
            for number in signals:
                signal.raise_signal(number)
            came.append("to the end" if interrupts.go_on() else "to the end, and no further")
    except KeyboardInterrupt:
        came.append("interrupted")
    return came


def test_a_signal_waits_for_the_end_of_what_must_be_whole_and_a_second_does_not() -> None:
    assert _work([]) == ["to the end"]
    assert _work([signal.SIGINT]) == ["to the end, and no further", "interrupted"]
    assert _work([signal.SIGTERM]) == ["to the end, and no further", "interrupted"]
    assert _work([signal.SIGINT, signal.SIGINT]) == ["interrupted"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_between_two_pieces_of_work_is_obeyed_at_once() -> None:
    interrupts = Interrupts()
    with interrupts.heard():
        with interrupts.after():
            pass
        interrupts.between()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            interrupts.between()


def test_in_a_thread_signals_are_left_to_whoever_started_it() -> None:
    told: list[bool] = []

    def work() -> None:
        with Interrupts().heard():
            told.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == [True]


def _interrupt_at(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    def interrupt(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(what, interrupt)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("smsnotify.engine.ticking.remind", "while reminders were looked for"),
        ("smsnotify.engine.release.release_due", "while held texts were judged again"),
        ("smsnotify.cli.delivering.look_up", "while providers were asked"),
    ],
)
def test_a_tick_that_is_interrupted_says_where_and_is_no_whole_tick(
    place: Place, monkeypatch: pytest.MonkeyPatch, where: str, said: str
) -> None:
    _interrupt_at(monkeypatch, where)
    done = place.json("tick")
    assert done.code == 130
    assert said in done.err
    with open_store(f"sqlite:///{place / 'sms-notify.db'}") as store:
        assert store.get_watermark(TICKED) is None
