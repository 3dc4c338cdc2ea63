"""Calls of providers: proved, kept before they are answered, counted when refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.requests import Request
from web_desk import INBOUND, PUBLIC, STATUS, TOKEN, Caller, dlr, reply, rows, signed, stored

from smsnotify.base.errors import ConfigError
from smsnotify.store.store import Store
from smsnotify.web import hooks
from smsnotify.web.state import Serving

NOTHING = dict.fromkeys(("receipts", "replies", "events", "jobs", "messages", "decisions"), 0)


def refusals(serving: Serving, hook: str, reason: str) -> float:
    return serving.metrics.refusals.value(hook, reason)


@pytest.mark.parametrize("how", ["header", "bearer", "path"])
def test_8x8_proves_itself_by_header_or_by_path(client: Caller, store: Store, how: str) -> None:
    path = f"/hooks/main/{quote(TOKEN, safe='')}" if how == "path" else "/hooks/main"
    value = {"header": TOKEN, "bearer": f"Bearer {TOKEN}", "path": ""}[how]
    headers = {b"authorization": value.encode()} if value else {}
    answer = client.post(path, content=dlr(), headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    (receipt,) = rows(store, "receipts")
    assert (receipt["account"], receipt["provider_message_id"]) == ("main", "umid-1")
    assert receipt["state"] == "delivered"


@pytest.mark.parametrize("token", ["", "wrong", "Bearer wrong", f"Basic {'x' * 20}", "\xff"])
def test_8x8_without_the_token_is_refused_and_counted(
    client: Caller, serving: Serving, store: Store, token: str
) -> None:
    headers = {b"authorization": token.encode("latin-1")} if token else {}
    answer = client.post("/hooks/main", content=dlr(), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthenticated"
    assert "token" not in answer.text
    assert stored(store) == NOTHING
    assert refusals(serving, "main", "unauthenticated") == 1


def test_an_account_without_a_token_takes_no_call(client: Caller, store: Store) -> None:
    assert client.post("/hooks/open", content=dlr()).status_code == 401
    assert client.post("/hooks/open/anything", content=dlr()).status_code == 401
    assert stored(store) == NOTHING


@pytest.mark.parametrize("name", ["nobody", "sandbox", "detrack/key", "a%2Fb", "%00"])
def test_an_account_that_is_not_there_is_not_found(
    client: Caller, serving: Serving, name: str
) -> None:
    answer = client.post(f"/hooks/{name}", content=dlr())
    assert answer.status_code == 404
    assert refusals(serving, "unknown", "unknown_account") == 1


def test_receipts_and_texts_come_to_one_address(
    client: Caller, store: Store, serving: Serving
) -> None:
    path = f"/hooks/main/{quote(TOKEN, safe='')}"
    batch = f"[{dlr().decode()},{reply('Door 2').decode()}]".encode()
    assert client.post(path, content=batch).status_code == 200
    assert len(rows(store, "receipts")) == 1
    (kept,) = rows(store, "replies")
    assert (kept["account"], kept["provider_message_id"]) == ("main", "in-1")
    assert (kept["sender"], kept["to_number"], kept["body"]) == (
        "+6591230000",
        "+6580000001",
        "Door 2",
    )
    assert kept["at"] is not None
    assert serving.metrics.receipts.value("main", "delivered") == 1
    assert serving.metrics.replies.value("main", "new") == 1


def test_a_call_about_something_else_is_taken_and_counted(client: Caller, serving: Serving) -> None:
    body = json.dumps(
        {"namespace": "SMS", "eventType": "short_url_clicked", "payload": {"umid": 1}}
    )
    answer = client.post(f"/hooks/main/{quote(TOKEN, safe='')}", content=body)
    assert answer.status_code == 200
    assert serving.metrics.other_calls.value("main") == 1


@pytest.mark.parametrize(
    "body", [b"", b"<root/>", b"{", b"[]]", b'{"payload": 1}', b"\xff\xfe", b"[" * 50_000]
)
def test_what_cannot_be_read_is_refused_after_its_proof(
    client: Caller, serving: Serving, store: Store, body: bytes
) -> None:
    answer = client.post(f"/hooks/main/{quote(TOKEN, safe='')}", content=body)
    assert answer.status_code == 400
    assert refusals(serving, "main", "unreadable") == 1
    assert stored(store) == NOTHING


def test_a_replay_gets_its_answer_and_changes_nothing(
    client: Caller, store: Store, serving: Serving
) -> None:
    for _ in range(3):
        assert client.post("/hooks/twilio", **signed(STATUS)).status_code == 200
        assert client.post("/hooks/twilio", **signed(INBOUND)).status_code == 200
    assert len(rows(store, "receipts")) == 1
    assert len(rows(store, "replies")) == 1
    assert serving.metrics.receipt_effects.value("twilio", "replayed") == 2
    assert serving.metrics.replies.value("twilio", "replayed") == 2


def test_twilio_is_answered_with_an_empty_response_only_about_a_text(client: Caller) -> None:
    answer = client.post("/hooks/twilio", **signed(INBOUND))
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text.endswith("<Response/>")
    assert client.post("/hooks/twilio", **signed(STATUS)).content == b""


def test_a_text_is_kept_to_the_last_space(client: Caller, store: Store) -> None:
    client.post(
        "/hooks/twilio",
        **signed(
            INBOUND | {"OptOutType": "STOP", "NumMedia": "1", "MediaUrl0": "https://m.test/1"}
        ),
    )
    (kept,) = rows(store, "replies")
    assert kept["body"] == "  Quote é 😀 "
    assert (kept["keyword"], json.loads(kept["media"])) == ("STOP", ["https://m.test/1"])


@pytest.mark.parametrize("base", [PUBLIC, f"{PUBLIC}:443"])
@pytest.mark.parametrize("query", ["", "?m=01j8&x=%2B1&x=a+b", "?bodySHA256="])
def test_twilio_is_proved_on_the_public_address_behind_a_proxy(
    client: Caller, base: str, query: str
) -> None:
    path = f"/hooks/twilio{query}"
    request = signed(STATUS, path, base)
    proxy = {"Host": "10.0.0.7:8787", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test"}
    request["headers"] |= proxy
    assert client.post(path, **request).status_code == 200


@pytest.mark.parametrize(
    ("fields", "path", "signature"),
    [
        # The vectors of Twilio's own package, version 9.13.
        (STATUS, "/hooks/twilio/status?ref=job-42", "T+sxdv75sEi66c9ZNwBtr9TH0r8="),
        (INBOUND, "/hooks/twilio/inbound", "F1biBLgOmA1XuvEaWAW8QrmTv18="),
        (INBOUND, "/hooks/twilio/inbound", "+zs/4MNj7qNo9vcSAMBmxz8lUD8="),
    ],
)
def test_twilios_own_signatures_are_taken(
    client: Caller, fields: dict[str, str], path: str, signature: str
) -> None:
    request = signed(fields, path)
    request["headers"]["X-Twilio-Signature"] = signature
    assert client.post(path, **request).status_code == 200


@pytest.mark.parametrize("forgery", ["unsigned", "signature", "field", "query", "host"])
def test_a_forged_call_of_twilio_is_refused_and_stores_nothing(
    client: Caller, store: Store, serving: Serving, forgery: str
) -> None:
    request, path = signed(STATUS), "/hooks/twilio"
    if forgery == "unsigned":
        del request["headers"]["X-Twilio-Signature"]
    elif forgery == "signature":
        request["headers"]["X-Twilio-Signature"] = "AAAA" + "=" * 24
    elif forgery == "field":
        request["content"] += b"&MessageStatus=failed"
    elif forgery == "query":
        path += "?m=other"
    else:
        request = signed(STATUS, base="https://evil.test")
        request["headers"] |= {"Host": "evil.test", "X-Forwarded-Host": "evil.test"}
    assert client.post(path, **request).status_code == 403
    assert stored(store) == NOTHING
    assert refusals(serving, "twilio", "unauthenticated") == 1


@pytest.mark.parametrize(
    ("public_url", "path", "query", "called"),
    [
        (f"{PUBLIC}/sms", b"/hooks/tw%20o", b"m=1", f"{PUBLIC}/sms/hooks/tw%20o?m=1"),
        (f"{PUBLIC}/sms", b"/sms/hooks/two", b"", f"{PUBLIC}/sms/hooks/two"),
        (PUBLIC, b"/hooks/two", b"x=%2B&y=a+b", f"{PUBLIC}/hooks/two?x=%2B&y=a+b"),
        ("", b"/hooks/two", b"", "http://10.0.0.7/hooks/two"),
    ],
)
def test_the_address_is_told_as_the_provider_wrote_it(
    public_url: str, path: bytes, query: bytes, called: str
) -> None:
    scope = {
        "type": "http",
        "scheme": "http",
        "method": "POST",
        "path": "/hooks/two",
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", b"10.0.0.7")],
    }
    assert hooks.called_url(Request(scope), public_url) == called


async def _pieces(count: int) -> Any:
    for _ in range(count):
        yield b"x" * 65536


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_long_is_refused_while_it_comes(
    client: Caller, serving: Serving, store: Store, announced: bool
) -> None:
    content: Any = b"x" * (2**20 + 1) if announced else _pieces(17)
    answer = client.post(f"/hooks/main/{quote(TOKEN, safe='')}", content=content)
    assert answer.status_code == 413
    assert refusals(serving, "main", "too_large") == 1
    assert stored(store) == NOTHING


def test_a_packed_body_is_refused(client: Caller) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert client.post("/hooks/twilio", content=b"x", headers=headers).status_code == 415


def test_other_methods_and_addresses_are_told_so_in_json(client: Caller) -> None:
    answer = client.get("/hooks/main")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]
    for path in ("/", "/hooks", "/healthz/", "/v1/events/"):
        answer = client.post(path, content=b"")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_call_that_cannot_be_stored_shall_come_again(
    client: Caller, store: Store, serving: Serving
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE receipts RENAME TO gone"))
        connection.execute(text("ALTER TABLE replies RENAME TO gone_too"))
    for request in (signed(STATUS), signed(INBOUND)):
        answer = client.post("/hooks/twilio", **request)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO receipts"))
        connection.execute(text("ALTER TABLE gone_too RENAME TO replies"))
    assert client.post("/hooks/twilio", **signed(STATUS)).status_code == 200
    assert serving.metrics.receipts.value("twilio", "delivered") == 1
    assert refusals(serving, "twilio", "unavailable") == 2


def test_a_secret_that_cannot_be_read_is_our_fault_and_told_so(
    client: Caller, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: object, call: object) -> None:
        raise ConfigError("the environment variable TWILIO_TOKEN is not set")

    monkeypatch.setattr(type(serving.loaded.hooks["twilio"].provider), "verify", unreadable)
    answer = client.post("/hooks/twilio", **signed(STATUS))
    assert answer.status_code == 503
    assert "TWILIO_TOKEN" not in answer.text


def test_an_adapter_that_stumbles_is_no_error_of_the_server(
    client: Caller, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(self: object, call: object) -> None:
        raise KeyError("umid")

    monkeypatch.setattr(type(serving.loaded.hooks["twilio"].provider), "parse_receipts", stumble)
    assert client.post("/hooks/twilio", **signed(STATUS)).status_code == 400


def test_more_calls_than_the_database_can_take_are_refused(
    client: Caller, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsnotify.web.keeper.MOST_WAITING", 0)
    assert client.post("/hooks/twilio", **signed(STATUS)).status_code == 503
    assert refusals(serving, "twilio", "unavailable") == 1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "payload",
                            "eventType",
                            "namespace",
                            "status",
                            "umid",
                            "state",
                            "price",
                            "body",
                        ]
                    )
                    | st.text(max_size=5),
                    inner
                    | st.sampled_from(
                        ["outbound_message_status_changed", "inbound_message_received"]
                    ),
                    max_size=5,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_whatever_a_proved_body_holds_there_is_no_server_error(client: Caller, body: bytes) -> None:
    answer = client.post("/hooks/main", content=body, headers={b"authorization": TOKEN.encode()})
    assert answer.status_code in (200, 400)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=300),
    account=st.sampled_from(["main", "twilio", "open", "detrack", "x"]),
    header=st.sampled_from(["authorization", "x-twilio-signature", "x-api-key", "content-type"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_whatever_a_stranger_sends_nothing_is_stored(
    client: Caller, store: Store, body: bytes, account: str, header: str, value: str
) -> None:
    answer = client.post(f"/hooks/{account}", content=body, headers={header: value})
    assert answer.status_code in (401, 403, 404, 415)
    assert stored(store) == NOTHING
