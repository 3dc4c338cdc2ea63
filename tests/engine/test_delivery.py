"""Draining the outbox: claims, results, retries, failover, limits."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import (
    MICROS,
    START,
    Turned,
    Wire,
    accepted,
    account,
    accounts,
    answer,
    message,
    numbered,
    open_books,
    queue,
    refused,
    rows_of,
    states,
    status,
    tries,
)

from smsnotify.base.errors import NotSentError, OutcomeUnknownError, StoreUnavailableError
from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain
from smsnotify.engine.report import DeliveryReport
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.store.store import Store

SECOND = 1_000_000
ONE = {"default": [["main"]]}
TWO = {"default": [["main"], ["backup"]]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


@pytest.fixture
def turned() -> Turned:
    return Turned()


def deliver(
    store: Store,
    wire: Any,
    turned: Turned,
    *made: Account,
    routes: Any = None,
    **options: Any,
) -> DeliveryReport:
    routes = routes or (TWO if len(made) > 1 else ONE)
    return asyncio.run(
        drain(
            store,
            accounts(*(made or (account(),))),
            routes,
            mode=Mode.LIVE,
            transport=wire,
            times=turned.times(),
            sleep=turned.sleep,
            draw=options.pop("draw", lambda low, high: high),
            **options,
        )
    )


def test_everything_due_is_sent_once_and_written_down(store: Store, turned: Turned) -> None:
    ids = numbered(1200)
    queue(store, *ids)
    wire = Wire(main=accepted)
    report = deliver(store, wire, turned)
    assert (report.sent, report.failed, report.unknown, report.left) == (1200, 0, 0, 0)
    assert Counter(wire.sent_through("main")) == Counter(ids)
    assert states(store) == {"accepted": 1200}
    sent = message(store, "m00007")
    assert (sent["account"], sent["provider_message_id"]) == ("main", "p-m00007")
    assert (sent["sender"], sent["attempts"], sent["lease_owner"]) == ("PARROT", 1, "")
    (tried,) = tries(store, "m00007")
    assert (tried["number"], tried["account"], tried["result"]) == (1, "main", "accepted")
    assert (tried["at"], tried["http_status"]) == (MICROS, 200)
    assert report.by_account["main"].accepted == 1200


def test_a_message_is_stored_as_sending_before_its_request_goes_out(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(40))
    seen: list[tuple[str, int]] = []

    def look(request: HttpRequest) -> HttpResponse:
        (row,) = rows_of(request)
        seen.append((message(store, row["id"])["state"], states(store)["sending"]))
        return accepted(request)

    deliver(store, Wire(main=look), turned, account(concurrency=4))
    assert {state for state, _ in seen} == {"sending"}
    assert max(count for _, count in seen) == 4


def test_urgent_messages_go_first(store: Store, turned: Turned) -> None:
    queue(store, *numbered(30, "bulk"), priority=2)
    queue(store, *numbered(3, "urgent"), priority=0)
    wire = Wire(main=accepted)
    deliver(store, wire, turned, account(concurrency=1))
    assert wire.sent_through("main")[:3] == numbered(3, "urgent")


def test_urgent_messages_overtake_a_backlog_that_waits_for_its_rate(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(60, "bulk"), priority=2)
    wire = Wire(main=accepted)
    told: list[bool] = []

    def now_comes_news(report: DeliveryReport) -> None:
        if not told:
            told.append(True)
            queue(store, "urgent", priority=0)

    deliver(store, wire, turned, account(messages_per_second=10), progress=now_comes_news)
    assert wire.sent_through("main").index("urgent") < 35


def test_only_the_mode_and_the_run_that_were_asked_for_are_sent(
    store: Store, turned: Turned
) -> None:
    queue(store, "mine", run="r1")
    queue(store, "other", run="r2")
    queue(store, "test", run="r1", mode="test")
    report = deliver(store, Wire(main=accepted), turned, run="r1")
    assert (report.sent, report.left) == (1, 0)
    assert states(store) == {"accepted": 1, "queued": 2}


def test_a_limit_bounds_the_tries(store: Store, turned: Turned) -> None:
    queue(store, *numbered(50))
    report = deliver(store, Wire(main=accepted), turned, limit=7)
    assert (report.sent, report.left) == (7, 43)
    assert message(store, "m00049")["lease_owner"] == ""


def test_old_news_expires_and_is_never_sent(store: Store, turned: Turned) -> None:
    queue(store, "old", expires_at=MICROS)
    queue(store, "fresh", expires_at=MICROS + SECOND)
    wire = Wire(main=accepted)
    report = deliver(store, wire, turned)
    assert (report.sent, report.expired) == (1, 1)
    assert wire.sent_through("main") == ["fresh"]
    assert message(store, "old")["state"] == "expired"
    assert tries(store, "old") == []


def test_a_message_that_expires_while_it_waits_for_its_rate_is_not_sent(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(3), expires_at=MICROS + 1_500_000)
    report = deliver(store, Wire(main=accepted), turned, account(messages_per_second=1))
    assert (report.sent, report.expired) == (2, 1)


def test_a_rate_is_kept_over_all_tasks(store: Store, turned: Turned) -> None:
    queue(store, *numbered(60))
    at: list[float] = []

    def note(request: HttpRequest) -> HttpResponse:
        at.append(turned.passed)
        return accepted(request)

    report = deliver(store, Wire(main=note), turned, account(messages_per_second=20))
    assert report.sent == 60
    for begin in at:
        assert sum(begin <= one < begin + 1 for one in at) <= 21
    assert at[-1] < 4


def test_a_throttled_account_is_asked_again_after_its_retry_after(
    store: Store, turned: Turned
) -> None:
    queue(store, "one")
    wire = Wire(main=[status(429, retry_after="3"), accepted])
    report = deliver(store, wire, turned)
    assert (report.sent, report.by_account["main"].retried) == (1, 1)
    assert 3 <= turned.passed < 4.5
    first, second = tries(store, "one")
    assert (first["result"], first["error"], first["http_status"]) == ("retry", "rate_limited", 429)
    assert second["result"] == "accepted"


def test_a_retry_later_than_our_patience_stays_queued_and_is_told(
    store: Store, turned: Turned
) -> None:
    queue(store, "one")
    report = deliver(store, Wire(main=status(429, retry_after="600")), turned, patience_s=20)
    assert (report.sent, report.left) == (0, 1)
    assert turned.passed < 20
    assert message(store, "one")["due_at"] == MICROS + 600 * SECOND


def test_a_burst_of_refusals_stops_new_requests_until_the_provider_allows_them(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(200))
    open_at = 2.0

    def shop(request: HttpRequest) -> HttpResponse:
        if turned.passed < open_at:
            return status(429, retry_after="2")(request)
        return accepted(request)

    wire = Wire(main=shop)
    report = deliver(store, wire, turned, account(concurrency=8))
    assert report.sent == 200
    assert len(wire.requests) <= 208


def test_the_first_wait_is_full_jitter_from_one_second(store: Store, turned: Turned) -> None:
    queue(store, "one")
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 2

    deliver(store, Wire(main=[NotSentError("no"), NotSentError("no"), accepted]), turned, draw=draw)
    assert asked == [(0.0, 1.0), (0.0, 2.0)]


def test_a_dead_account_is_left_for_the_next_of_the_route(store: Store, turned: Turned) -> None:
    queue(store, *numbered(50))
    wire = Wire(main=NotSentError("connection refused"), backup=accepted)
    made = (account(concurrency=4), account("backup"))
    report = deliver(store, wire, turned, *made)
    assert report.sent == 50
    assert report.by_account["backup"].accepted == 50
    assert len(wire.sent_through("main")) <= 12
    first, second = tries(store, "m00000")
    assert (first["account"], first["result"], first["error"]) == ("main", "retry", "provider_down")
    assert (second["account"], second["result"]) == ("backup", "accepted")


def test_a_throttled_account_is_left_for_the_next_of_the_route(
    store: Store, turned: Turned
) -> None:
    queue(store, "one")
    wire = Wire(main=status(429, retry_after="60"), backup=accepted)
    report = deliver(store, wire, turned, account(), account("backup"))
    assert report.sent == 1
    assert turned.passed <= 2


@pytest.mark.parametrize(
    "word", ["invalid_number", "opted_out", "blocked", "landline", "content_rejected"]
)
def test_a_word_about_the_person_or_the_text_ends_it_for_every_account(
    store: Store, turned: Turned, word: str
) -> None:
    queue(store, "one")
    wire = Wire(main=refused(word), backup=accepted)
    report = deliver(store, wire, turned, account(), account("backup"))
    assert (report.failed, report.sent, len(wire.requests)) == (1, 0, 1)
    after = message(store, "one")
    assert (after["state"], after["error"]) == ("failed", word)
    assert after["error_text"] == f"refused: {word}"
    assert tries(store, "one")[0]["raw_code"] == word


def test_an_unknown_outcome_is_neither_retried_nor_given_to_another_account(
    store: Store, turned: Turned
) -> None:
    queue(store, "one")
    wire = Wire(main=OutcomeUnknownError("no answer in time"), backup=accepted)
    report = deliver(store, wire, turned, account(), account("backup"))
    assert (report.unknown, report.sent, len(wire.requests)) == (1, 0, 1)
    after = message(store, "one")
    assert (after["state"], after["account"], after["error"]) == (
        "unknown",
        "main",
        "provider_down",
    )
    assert after["due_at"] == MICROS + 5 * SECOND
    assert tries(store, "one")[0]["result"] == "unknown"


def test_a_rule_may_prefer_a_second_text_to_none(store: Store, turned: Turned) -> None:
    queue(store, "alarm", on_unknown="resend")
    wire = Wire(main=[OutcomeUnknownError("no answer"), accepted], backup=accepted)
    report = deliver(store, wire, turned, account(), account("backup"))
    assert (report.sent, report.unknown) == (1, 0)
    assert wire.sent_through("main") == ["alarm", "alarm"]


def test_resending_on_suspicion_has_an_end(store: Store, turned: Turned) -> None:
    queue(store, "alarm", on_unknown="resend")
    wire = Wire(main=OutcomeUnknownError("no answer"))
    report = deliver(store, wire, turned)
    assert (report.unknown, len(wire.requests)) == (1, 3)


def test_bad_credentials_stop_the_account_within_one_window_and_lose_nothing(
    store: Store, turned: Turned, caplog: pytest.LogCaptureFixture
) -> None:
    queue(store, *numbered(2000))
    wire = Wire(main=status(401))
    with caplog.at_level(logging.ERROR, "smsnotify"):
        report = deliver(store, wire, turned, account(concurrency=16))
    assert len(wire.requests) == 16
    assert report.stopped_accounts == {"main": "the provider refuses the credentials"}
    assert (report.failed, report.left) == (0, 2000)
    assert states(store) == {"queued": 2000}
    assert [one.getMessage() for one in caplog.records] == [
        "account main is stopped for the rest of this run: the provider refuses the credentials"
    ]
    assert deliver(store, Wire(main=accepted), turned).sent == 2000


def test_messages_of_a_stopped_account_go_through_the_next(store: Store, turned: Turned) -> None:
    queue(store, *numbered(100))
    wire = Wire(main=refused("no_credit"), backup=accepted)
    report = deliver(store, wire, turned, account(concurrency=8), account("backup"))
    assert (report.sent, report.left) == (100, 0)
    assert len(wire.sent_through("main")) == 8
    assert "credit" in report.stopped_accounts["main"]


def test_a_sender_that_is_refused_everywhere_fails_the_message(
    store: Store, turned: Turned
) -> None:
    queue(store, "one")
    wire = Wire(main=refused("sender_rejected"), backup=refused("sender_rejected"))
    report = deliver(store, wire, turned, account(), account("backup"))
    assert (report.failed, len(wire.requests)) == (1, 2)
    assert message(store, "one")["error"] == "sender_rejected"


def test_a_route_skips_accounts_that_do_not_serve_the_country_or_the_channel(
    store: Store, turned: Turned
) -> None:
    queue(store, "my", country="MY")
    queue(store, "sg")
    queue(store, "mail", channel="email")
    made = (
        account(countries=frozenset({"SG"})),
        account("backup"),
        account("post", channel="email"),
    )
    wire = Wire(main=accepted, backup=accepted, post=accepted)
    routes = {"default": [["main"], ["backup"], ["post"]]}
    report = deliver(store, wire, turned, *made, routes=routes)
    assert report.sent == 3
    assert wire.sent_through("main") == ["sg"]
    assert wire.sent_through("backup") == ["my"]
    assert wire.sent_through("post") == ["mail"]


def test_a_message_that_no_account_serves_stays_queued_and_the_run_ends(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(700), country="FR")
    queue(store, "sg")
    report = deliver(store, Wire(main=accepted), turned, account(countries=frozenset({"SG"})))
    assert (report.sent, report.left) == (1, 700)
    assert message(store, "m00000")["lease_owner"] == ""


def test_a_group_shares_the_load_by_rate(store: Store, turned: Turned) -> None:
    queue(store, *numbered(90))
    made = (account(messages_per_second=20), account("second", messages_per_second=10))
    wire = Wire(main=accepted, second=accepted)
    routes = {"default": [["main", "second"]]}
    report = deliver(store, wire, turned, *made, routes=routes)
    assert report.sent == 90
    assert 55 <= len(wire.sent_through("main")) <= 65


def test_a_conversation_stays_with_the_account_and_number_it_began_on(
    store: Store, turned: Turned
) -> None:
    queue(store, "one", account="backup", sender="+6531590000")
    wire = Wire(main=accepted, backup=accepted)
    deliver(store, wire, turned, account(), account("backup"))
    (request,) = wire.requests
    assert request.url.startswith("http://backup.test/")
    assert rows_of(request)[0]["from"] == "+6531590000"


def test_a_route_that_left_the_settings_is_the_default_one(store: Store, turned: Turned) -> None:
    queue(store, "one", route="gone")
    assert deliver(store, Wire(main=accepted), turned).sent == 1


def test_batches_are_filled_and_partly_accepted_ones_are_settled_one_by_one(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(10))

    def partly(request: HttpRequest) -> HttpResponse:
        rows = rows_of(request)
        codes = ["ok", "invalid_number", "ok", "ok"]
        return answer({"results": [{"id": r["id"], "code": codes[i]} for i, r in enumerate(rows)]})

    wire = Wire(main=partly)
    report = deliver(store, wire, turned, account(batch=4))
    assert [len(rows_of(one)) for one in wire.requests] == [4, 4, 2]
    assert (report.sent, report.failed) == (7, 3)
    assert message(store, "m00001")["error"] == "invalid_number"


def test_a_batch_that_is_refused_whole_is_sent_one_by_one(store: Store, turned: Turned) -> None:
    queue(store, *numbered(5))

    def strict(request: HttpRequest) -> HttpResponse:
        rows = rows_of(request)
        if len(rows) > 1:
            return HttpResponse(status=422)
        code = "invalid_number" if rows[0]["id"] == "m00002" else "ok"
        return answer({"results": [{"id": rows[0]["id"], "code": code}]})

    wire = Wire(main=strict)
    report = deliver(store, wire, turned, account(batch=10))
    assert [len(rows_of(one)) for one in wire.requests] == [5, 1, 1, 1, 1, 1]
    assert (report.sent, report.failed, turned.passed) == (4, 1, 0)


def test_a_limited_rate_makes_small_batches(store: Store, turned: Turned) -> None:
    queue(store, *numbered(12))
    wire = Wire(main=accepted)
    deliver(store, wire, turned, account(batch=250, messages_per_second=4))
    assert [len(rows_of(one)) for one in wire.requests] == [4, 4, 4]
    assert 2 <= turned.passed < 3


def test_an_opt_out_that_the_provider_tells_is_remembered(store: Store, turned: Turned) -> None:
    queue(store, "one")
    deliver(store, Wire(main=refused("opted_out")), turned)
    person = store.people(["+6591230000"])["+6591230000"]
    assert person.opted_out
    assert (person.opted_out_source, person.opted_out_at) == ("provider", START)


def test_nothing_is_sent_while_everything_is_paused(store: Store, turned: Turned) -> None:
    queue(store, *numbered(3))
    store.pause()
    wire = Wire(main=accepted)
    report = deliver(store, wire, turned)
    assert (report.paused, report.left, wire.requests) == (("*",), 3, [])


def test_a_paused_account_is_passed_by(store: Store, turned: Turned) -> None:
    queue(store, *numbered(3))
    store.pause("main")
    wire = Wire(main=accepted, backup=accepted)
    report = deliver(store, wire, turned, account(), account("backup"))
    assert (report.sent, report.paused) == (3, ("main",))
    assert wire.sent_through("main") == []


def test_a_pause_in_the_middle_is_obeyed_within_two_seconds(store: Store, turned: Turned) -> None:
    queue(store, *numbered(100))
    sent_at: list[float] = []

    def note(request: HttpRequest) -> HttpResponse:
        sent_at.append(turned.passed)
        if len(sent_at) == 10:
            store.pause()
        return accepted(request)

    report = deliver(store, Wire(main=note), turned, account(messages_per_second=10))
    assert report.paused == ("*",)
    assert sent_at[-1] - sent_at[9] <= 2
    assert report.left == 100 - len(sent_at)
    assert message(store, "m00099")["lease_owner"] == ""


def test_a_message_cancelled_under_our_lease_is_not_sent(store: Store, turned: Turned) -> None:
    queue(store, *numbered(3))

    def cancel_the_next(request: HttpRequest) -> HttpResponse:
        with store.begin() as connection:
            connection.exec_driver_sql("UPDATE messages SET state='cancelled' WHERE id='m00002'")
        return accepted(request)

    wire = Wire(main=cancel_the_next)
    report = deliver(store, wire, turned, account(concurrency=1))
    assert wire.sent_through("main") == ["m00000", "m00001"]
    assert (report.sent, report.left) == (2, 0)


def test_a_silent_provider_is_left_alone_and_probed(store: Store, turned: Turned) -> None:
    queue(store, *numbered(300))
    up_at = 6.0

    def shop(request: HttpRequest) -> HttpResponse:
        if turned.passed < up_at:
            raise NotSentError("connection refused")
        return accepted(request)

    wire = Wire(main=shop)
    report = deliver(store, wire, turned, account(concurrency=8))
    assert report.sent == 300
    assert len(wire.requests) <= 300 + 8 + 4


def test_a_provider_that_stays_dead_does_not_keep_us_for_ever(store: Store, turned: Turned) -> None:
    queue(store, *numbered(1000))
    wire = Wire(main=NotSentError("connection refused"))
    report = deliver(store, wire, turned, account(concurrency=8), patience_s=20)
    assert (report.sent, report.failed, report.left) == (0, 0, 1000)
    assert turned.passed <= 21
    assert len(wire.requests) < 20


def test_retries_end_when_the_news_is_old(store: Store, turned: Turned) -> None:
    queue(store, "one", expires_at=MICROS + 10 * SECOND)
    report = deliver(store, Wire(main=NotSentError("refused")), turned, patience_s=600)
    assert report.expired == 1
    after = message(store, "one")
    assert (after["state"], after["error"]) == ("expired", "provider_down")


def test_the_sandbox_delivers_at_once(store: Store, turned: Turned) -> None:
    queue(store, *numbered(1700))
    sandbox = Account.of("main", Sandbox(SandboxSettings()))
    report = deliver(store, Wire(), turned, sandbox)
    assert report.sent == 1700
    assert states(store) == {"delivered": 1700}
    assert message(store, "m00001")["provider_message_id"] == "sb_m00001"


class Failing:
    """A store whose transactions fail some times in the middle."""

    def __init__(self, store: Store, *, after: int, times: int) -> None:
        self._store, self._after, self._left = store, after, times

    def begin(self, kept: Any = None) -> Any:
        self._after -= 1
        if self._after < 0 and self._left:
            self._left -= 1
            raise StoreUnavailableError("the database is locked by another process")
        return self._store.begin(kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_database_that_is_locked_for_a_moment_stops_nothing(store: Store, turned: Turned) -> None:
    queue(store, *numbered(100))
    wire = Wire(main=accepted)
    report = deliver(Failing(store, after=3, times=3), wire, turned)  # type: ignore[arg-type]
    assert report.sent == 100
    assert Counter(wire.sent_through("main")) == Counter(numbered(100))


def test_a_database_that_stays_away_ends_the_run_and_sends_nothing_twice(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(100))
    wire = Wire(main=accepted)
    broken: Any = Failing(store, after=3, times=1000)
    with pytest.raises(StoreUnavailableError):
        deliver(broken, wire, turned, account(concurrency=4))
    again = Wire(main=accepted)
    turned.passed += 31
    report = deliver(store, again, turned, account(concurrency=4))
    assert states(store) == {"accepted": 96, "unknown": 4}
    assert report.sent == 96
    assert not set(wire.sent_through("main")) & set(again.sent_through("main"))


def test_two_workers_never_send_the_same_message(store: Store, turned: Turned) -> None:
    queue(store, *numbered(400))
    wire = Wire(main=accepted)

    async def both() -> list[DeliveryReport]:
        one: dict[str, Any] = {"mode": Mode.LIVE, "transport": wire, "times": turned.times()}
        one["sleep"] = turned.sleep
        return await asyncio.gather(
            drain(store, accounts(account()), ONE, **one),
            drain(store, accounts(account()), ONE, **one),
        )

    reports = asyncio.run(both())
    assert sum(report.sent for report in reports) == 400
    assert Counter(wire.sent_through("main")) == Counter(numbered(400))


def test_messages_that_a_dead_worker_had_claimed_are_taken_over(
    store: Store, turned: Turned
) -> None:
    lease = MICROS + 15 * SECOND
    queue(store, "claimed", lease_owner="dead", lease_until=lease)
    queue(store, "sending", state="sending", account="main", attempts=1, lease_until=lease)
    report = deliver(store, Wire(main=accepted), turned, patience_s=20)
    assert report.sent == 1
    assert 15 <= turned.passed < 16


def test_a_reckless_adapter_costs_one_message_not_the_run(store: Store, turned: Turned) -> None:
    queue(store, *numbered(3))
    broken = account()

    def build(messages: Any) -> HttpRequest:
        if messages[0].id == "m00001":
            raise ZeroDivisionError
        return type(broken.provider).build_request(broken.provider, messages)  # type: ignore[arg-type]

    def parse(messages: Any, response: HttpResponse) -> Any:
        if messages[0].id == "m00002":
            raise KeyError("results")
        return type(broken.provider).parse_response(broken.provider, messages, response)  # type: ignore[arg-type]

    broken.provider.build_request = build  # type: ignore[method-assign, union-attr]
    broken.provider.parse_response = parse  # type: ignore[method-assign, union-attr]
    report = deliver(store, Wire(main=accepted), turned, broken)
    assert (report.sent, report.failed, report.unknown) == (1, 1, 1)
