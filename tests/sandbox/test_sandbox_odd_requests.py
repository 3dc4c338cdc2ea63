"""Whatever is asked, the local provider answers in the provider's words and never stumbles."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import BASIC, KEY, MESSAGES, SINGLE, Stage, played

ODD: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
FIELDS = [
    "destination",
    "text",
    "source",
    "encoding",
    "expiry",
    "scheduled",
    "dlrCallbackUrl",
    "clientMessageId",
    "country",
]
ENTRY: Any = st.dictionaries(st.sampled_from(FIELDS), ODD) | st.fixed_dictionaries(
    {"destination": st.just("+6591230001"), "text": st.text()},
    optional=dict.fromkeys(FIELDS[2:], ODD),
)
BATCH: Any = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(ENTRY, max_size=3) | ODD,
        "destinations": ODD,
        "template": ENTRY | ODD,
        "clientBatchId": ODD,
        "includeMessagesInResponse": ODD,
    },
)
FORM: Any = st.dictionaries(
    st.sampled_from(
        [
            "To",
            "From",
            "Body",
            "MessagingServiceSid",
            "StatusCallback",
            "ValidityPeriod",
            "SendAt",
            "ScheduleType",
        ]
    ),
    st.text(max_size=30) | st.sampled_from(["+6591230001", "+6531590000", "fixed", "1", "http://"]),
)
TRIES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@TRIES
@given(entry=ENTRY, batch=BATCH)
def test_8x8_takes_or_refuses_whatever_json_comes(entry: Any, batch: Any) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        for path, body in ((SINGLE, entry), (f"{SINGLE}/batch", batch)):
            answer = await client.post(path, content=json.dumps(body), headers=KEY)
            assert answer.status_code in (200, 400), answer.text
            assert answer.status_code == 200 or answer.json()["code"] >= 1000
        await stage.play()
        for text in stage.exchange.book.texts.values():
            page = await client.get(f"/phones/{text.phone.lstrip('+')}")
            assert page.status_code == 200

    played(walk)


@TRIES
@given(form=FORM)
def test_twilio_takes_or_refuses_whatever_form_comes(form: dict[str, str]) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        answer = await client.post(MESSAGES, data=form, auth=BASIC)
        assert answer.status_code in (201, 400), answer.text
        told = answer.json()
        assert told["sid"].startswith("SM") if answer.status_code == 201 else told["code"] > 20000
        await stage.play()
        listed = await client.get(MESSAGES, auth=BASIC)
        assert len(listed.json()["messages"]) == len(stage.exchange.book.texts)

    played(walk)


@TRIES
@given(header=st.binary(max_size=40), query=st.text(max_size=20))
def test_odd_credentials_and_pages_are_no_trouble(header: bytes, query: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        packed = base64.b64encode(header)
        for written in (b"Basic " + packed, b"Bearer " + packed, packed):
            headers = {"Authorization": written}
            answer = await client.get(MESSAGES, headers=headers, params={"PageSize": query})
            assert answer.status_code in (200, 401)
            answer = await client.get(f"{SINGLE}/{packed.hex() or 'x'}", headers=headers)
            assert answer.status_code in (400, 401, 404)

    played(walk)
