"""Health, figures and the document of what the door takes."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import text
from web_desk import SETTINGS, STATUS, Caller, event, rows, signed, stored, write_desk

from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.model.caps import MILLION, Cap, Caps
from smsnotify.store.store import Store
from smsnotify.web.app import ROUTES, create_app
from smsnotify.web.exposition import Counter, Gauge, Histogram, render
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

_SAMPLE = re.compile(r'^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)+\})? [-+0-9.e]+$')


def samples(client: Caller) -> dict[str, float]:
    """Read /metrics, and hold it to the format on the way."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, float] = {}
    families: list[str] = []
    for line in answer.text.splitlines():
        if line.startswith("# HELP "):
            families.append(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line.split()[2] == families[-1]
        else:
            assert _SAMPLE.match(line), line
            assert line.startswith(families[-1])
            name, _, value = line.rpartition(" ")
            assert name not in found
            found[name] = float(value)
    assert len(families) == len(set(families))
    return found


def test_a_desk_that_can_work_says_so(client: Caller) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"rules": "ok", "database": "ok"}


def test_a_database_of_another_version_makes_the_desk_unready(client: Caller, store: Store) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE sms_notify_schema SET version_num = '9999'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "schema_version"
    assert client.get("/healthz").status_code == 200


def test_a_desk_that_is_stopping_is_not_ready(client: Caller, serving: Serving) -> None:
    serving.stop()
    assert client.get("/readyz").status_code == 503


def test_the_figures_tell_of_the_outbox_and_of_what_came_in(
    client: Caller, serving: Serving, store: Store, key: str
) -> None:
    client.post("/v1/events", json=[event("A"), event("B"), {}], headers={"X-API-Key": key})
    client.post("/hooks/twilio", **signed(STATUS))
    client.post("/hooks/twilio", content=b"x")
    store.pause("main")
    found = samples(client)
    assert found["smsnotify_database_up"] == 1
    assert found['smsnotify_messages{state="queued",priority="normal"}'] == 2
    assert found['smsnotify_oldest_due_seconds{priority="normal"}'] == 0
    assert found['smsnotify_posted_entries_total{door="events",outcome="rejected"}'] == 1
    assert found['smsnotify_decisions_total{verdict="queued"}'] == 2
    assert found['smsnotify_receipts_total{account="twilio",state="delivered"}'] == 1
    assert found['smsnotify_receipt_effects_total{account="twilio",effect="early"}'] == 1
    assert found['smsnotify_hook_refusals_total{hook="twilio",reason="unauthenticated"}'] == 1
    assert found['smsnotify_paused{account="main"}'] == 1
    assert found['smsnotify_reloads_total{outcome="error"}'] == 0


def test_the_figures_tell_how_much_of_each_cap_is_used(
    client: Caller, serving: Serving, key: str
) -> None:
    caps = Caps(
        desk=(
            Cap(span="day", soft=3, hard=5, where="[caps]"),
            Cap(span="day", of="money", hard=MILLION // 2, where="[caps]"),
        ),
        price=lambda route, country, channel: Decimal("0.05"),
    )
    policy = msgspec.structs.replace(serving.loaded.policy, caps=caps)
    serving.swap(msgspec.structs.replace(serving.loaded, policy=policy), settings_too=False)
    client.post("/v1/events", json=[event("A"), event("B")], headers={"X-API-Key": key})
    found = samples(client)
    assert found['smsnotify_cap_used{cap="[caps] per_day"}'] == 2
    assert found['smsnotify_cap_used{cap="[caps] money_per_day"}'] == 0.1
    assert found['smsnotify_cap_limit{cap="[caps] per_day",limit="soft"}'] == 3
    assert found['smsnotify_cap_limit{cap="[caps] per_day",limit="hard"}'] == 5
    assert found['smsnotify_cap_limit{cap="[caps] money_per_day",limit="hard"}'] == 0.5


def test_the_figures_hold_no_number_and_no_text(client: Caller, key: str) -> None:
    client.post("/v1/events", json=[event("A")], headers={"X-API-Key": key})
    written = client.get("/metrics").text
    assert "9123" not in written
    assert "arrived" not in written


def test_the_age_of_what_is_due_grows(
    client: Caller, store: Store, serving: Serving, key: str
) -> None:
    client.post("/v1/events", json=[event("A")], headers={"X-API-Key": key})
    started = serving.clock()
    serving.clock = lambda: started + timedelta(seconds=90)
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'unknown'"))
    found = samples(client)
    assert found["smsnotify_oldest_unknown_seconds"] == 90
    assert found['smsnotify_messages{state="unknown",priority="normal"}'] == 1


def test_without_a_database_the_counters_are_told_all_the_same(
    client: Caller, store: Store
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE messages RENAME TO gone"))
    found = samples(client)
    assert found["smsnotify_database_up"] == 0
    assert "smsnotify_reloads_total" in str(found)


def test_samples_are_written_as_prometheus_reads_them() -> None:
    counter = Counter("a_total", "Some.", ("name",))
    counter.add('q"\\\n')
    counter.add("x", by=2)
    histogram = Histogram("b", "Other.", ("name",), (0.5, 1))
    for value in (0.5, 0.7, 3):
        histogram.observe(value, "x")
    written = render([counter, histogram, Gauge("c", "Third.", values={(): 1.5})]).decode()
    assert written.splitlines() == [
        "# HELP a_total Some.",
        "# TYPE a_total counter",
        'a_total{name="q\\"\\\\\\n"} 1',
        'a_total{name="x"} 2',
        "# HELP b Other.",
        "# TYPE b histogram",
        'b_bucket{name="x",le="0.5"} 1',
        'b_bucket{name="x",le="1"} 2',
        'b_bucket{name="x",le="+Inf"} 3',
        'b_sum{name="x"} 4.2',
        'b_count{name="x"} 3',
        "# HELP c Third.",
        "# TYPE c gauge",
        "c 1.5",
    ]


def test_the_document_names_every_address(client: Caller) -> None:
    told = client.get("/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    routes = {
        (route.path.replace(":path", ""), method.lower())
        for route in ROUTES
        for method in (route.methods or set()) - {"HEAD"}
        if not route.path.startswith("/console")  # behind a login: pages for people alone
    }
    assert {(path, method) for path, found in told["paths"].items() for method in found} == routes
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def _try_everything(url: str, headers: dict[str, str], link: str = "") -> dict[str, set[int]]:
    """Call every operation with what the document allows, and with what it does not.

    `link` is the token of a page that there is: random ones lead nowhere. Returns the statuses
    by operation.
    """
    seen: dict[str, set[int]] = {}
    turns = cycle((True, False))
    api = schemathesis.openapi.from_url(f"{url}/openapi.json")
    with requests.Session() as session:
        for found in api.get_all_operations():
            operation = found.ok()

            @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
            @given(
                case=st.one_of(
                    operation.as_strategy(), operation.as_strategy(GenerationMode.NEGATIVE)
                ),
            )
            def call(case: Any) -> None:
                if next(turns) and link and "token" in case.path_parameters:
                    case.path_parameters["token"] = link
                answer = case.call(session=session, headers=headers, allow_redirects=False)
                case.validate_response(answer, checks=CHECKS)
                seen.setdefault(case.operation.label, set()).add(answer.status_code)

            call()
    return seen


@pytest.mark.parametrize("with_key", [False, True])
def test_the_door_keeps_to_its_document_whoever_calls(
    running: Any, serving: Serving, sources: Sources, store: Store, key: str, with_key: bool
) -> None:
    assert sources.config is not None
    write_desk(sources.config.parent, f"{SETTINGS}\n[tracking]\nenabled = true\n")
    serving.swap(load(read_settings(sources), sources), settings_too=True)
    link = _page(store, serving) if with_key else ""
    with running(delivering=False, ticking=False) as url:
        seen = _try_everything(url, {"X-API-Key": key} if with_key else {}, link)
    statuses = set().union(*seen.values())
    assert 200 in statuses
    assert max(statuses) < 500
    if with_key:
        assert 200 in seen["GET /t/{token}"]
    else:
        assert not any(stored(store).values())


def _page(store: Store, serving: Serving) -> str:
    """Keep a job with a page; return the page's token."""
    client = Caller(create_app(serving))
    made = make_key()
    assert store.add_key("page", hash_key(made), serving.clock())
    told = event("DO-77")
    told["job"]["tracking_link"] = None
    answer = client.post("/v1/events", json=told, headers={"X-API-Key": made})
    assert answer.json()["decisions"]["queued"] == 1
    client.close()
    return rows(store, "messages")[0]["body"].rpartition("/t/")[2]
