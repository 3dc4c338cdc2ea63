"""`deliver --watch` is asked to end, and that is no failure."""

from __future__ import annotations

import signal
import sys

import pytest
from loopback import Loopback
from place import Place, event, wait_for


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_it_sends_what_becomes_due_until_it_is_asked_to_end_with_0(
    place: Place, eight: Loopback, asked: int
) -> None:
    with place.child("deliver", "--watch") as child:
        assert child.stderr is not None
        assert b"watching the outbox" in child.stderr.readline()
        place.json("process", "--queue-only", place.events(event()))
        wait_for(lambda: eight.sent)
        wait_for(lambda: place.outbox()[0]["state"] == "accepted")
        done = place.end(child, asked)
    assert (done.code, done.out, done.err) == (0, "sent  1\n", "")
