"""A body that takes long to cut keeps nobody else waiting."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from web_desk import Caller, event

from smsnotify.base.errors import StoppedError
from smsnotify.engine.posted import Layout, split_body
from smsnotify.web import events_api


def test_bodies_are_cut_beside_the_event_loop(
    client: Caller, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutters = []

    def noted(*given: Any) -> list[bytes]:
        cutters.append(threading.current_thread().name)
        return split_body(*given)

    monkeypatch.setattr(events_api, "split_body", noted)
    body = json.dumps(event()).encode()
    for path in ("/v1/events", "/hooks/detrack"):
        answer = client.post(path, content=body, headers={"X-API-Key": key})
        assert answer.status_code < 500
    assert len(cutters) == 2
    assert all(name.startswith("sms-notify-intake") for name in cutters)


@pytest.mark.parametrize("layout", [Layout.VALUES, Layout.LINES])
def test_a_body_is_cut_the_same_in_pieces(layout: Layout) -> None:
    entries = [b'{"n":%d,"text":"%s"}' % (n, b"}]," * (n % 50)) for n in range(9000)]
    assert split_body(b"\n".join(entries), layout) == entries


def test_a_desk_that_closes_does_not_go_on_cutting() -> None:
    with pytest.raises(StoppedError):
        split_body(b"{}" * 10, Layout.VALUES, lambda: False)


def test_more_events_than_one_call_may_bring_are_refused_before_any_is_taken(
    client: Caller, key: str
) -> None:
    answer = client.post("/v1/events", content=b"{}" * 100_001, headers={"X-API-Key": key})
    assert answer.status_code == 413
    assert "100,000 entries" in answer.text
