"""Mails through a real SMTP server: handed over, refused, in doubt, tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import Turned, message, open_books, queue, states, tries
from mail_server import PASSWORD, USER, Post, authority, open_post

from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain, settle
from smsnotify.engine.report import DeliveryReport
from smsnotify.model.decision import Mode
from smsnotify.model.message import ErrorWord, MessageState
from smsnotify.providers.smtp import Smtp, SmtpSettings
from smsnotify.store.store import Store

MEI = "mei.tan@example.com"
Work = Callable[[Post], Awaitable[None]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


def mail_account(post: Post, name: str = "post", **settings: Any) -> Account:
    told = {"host": "127.0.0.1", "port": post.port, "tls": "none", "sender": "Acme <n@acme.test>"}
    return Account.of(name, Smtp(SmtpSettings.model_validate(told | settings)))


def queue_mail(store: Store, *ids: str, **fields: Any) -> None:
    told = {
        "channel": "email",
        "recipient": MEI,
        "country": "",
        "title": "Order DO-1 delivered",
        "body": "Hi *Mei*, see it: https://x.test/p",
        "markup": "Hi \\*Mei\\*, [see it](https://x.test/p)",
        "encoding": "",
        "segments": 0,
    }
    queue(store, *ids, **told | fields)


def deliver(store: Store, *accounts: Account, **options: Any) -> Awaitable[DeliveryReport]:
    turned = Turned()
    return drain(
        store,
        {one.name: one for one in accounts},
        {"default": [[one.name] for one in accounts]},
        mode=Mode.LIVE,
        times=turned.times(),
        sleep=turned.sleep,
        **options,
    )


def serve(work: Work, **options: Any) -> None:
    async def run() -> None:
        async with open_post(**options) as post:
            await work(post)

    asyncio.run(run())


def test_a_mail_arrives_as_text_and_html(store: Store) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        report = await deliver(store, mail_account(post), public_url="https://notify.acme.test")
        assert (report.sent, report.left) == (1, 0)
        mail = post.mails[0]
        assert (mail["To"], mail["From"]) == (MEI, "Acme <n@acme.test>")
        assert mail["Subject"] == "Order DO-1 delivered"
        assert mail["Message-ID"] == "<m1@acme.test>"
        assert mail["Auto-Submitted"] == "auto-generated"
        page = f"https://notify.acme.test/o/{store.opt_out_token(MEI)}"
        assert mail["List-Unsubscribe"] == f"<{page}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert plain.get_content().strip() == "Hi *Mei*, see it: https://x.test/p"
        assert '<p>Hi *Mei*, <a href="https://x.test/p">see it</a></p>' in html.get_content()
        assert post.envelopes[0].mail_from == "n@acme.test"

    serve(work)
    row = message(store, "m1")
    assert (row["state"], row["provider_message_id"]) == ("accepted", "<m1@acme.test>")


def test_starttls_and_a_login(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    queue_mail(store, "m1", "m2", "m3")
    told = {"tls": "starttls", "username": USER, "password": PASSWORD, "concurrency": 1}

    async def work(post: Post) -> None:
        report = await deliver(store, mail_account(post, **told))
        assert report.sent == 3
        assert post.secure
        assert post.lines == 1, "one line carries several mails"

    serve(work, tls=context, login=True)


def test_tls_from_the_first_byte(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        assert (await deliver(store, mail_account(post, tls="tls"))).sent == 1

    serve(work, tls=context, wrapped=True)


def test_a_server_that_nobody_vouches_for_gets_nothing(store: Store, tmp_path: Path) -> None:
    context, _ = authority(tmp_path)
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        report = await deliver(store, mail_account(post, tls="starttls"), patience_s=0)
        assert (report.sent, report.left, post.mails) == (0, 1, [])

    serve(work, tls=context)
    assert message(store, "m1")["error"] == ErrorWord.PROVIDER_DOWN


def test_no_starttls_no_mail(store: Store) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        await deliver(store, mail_account(post, tls="starttls"), patience_s=0)
        assert post.mails == []

    serve(work)
    assert "STARTTLS" in message(store, "m1")["error_text"]


def test_a_wrong_password_stops_the_account(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    queue_mail(store, "m1", "m2")
    told = {"tls": "starttls", "username": USER, "password": "wrong", "concurrency": 1}

    async def work(post: Post) -> None:
        report = await deliver(store, mail_account(post, **told))
        assert report.stopped_accounts == {"post": "the provider refuses the credentials"}
        assert report.left == 2

    serve(work, tls=context, login=True)
    assert states(store) == {"queued": 2}


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        ("550 5.1.1 no such user", "failed", ErrorWord.INVALID_NUMBER),
        ("550 5.7.1 not welcome", "failed", ErrorWord.BLOCKED),
        ("552 5.2.2 mailbox full", "failed", ErrorWord.UNREACHABLE),
    ],
)
def test_a_refused_recipient_fails_alone(
    store: Store, answer: str, state: str, error: ErrorWord
) -> None:
    queue_mail(store, "m1")
    queue_mail(store, "m2", recipient="other@example.com")

    async def work(post: Post) -> None:
        post.refuse[MEI] = [answer]
        report = await deliver(store, mail_account(post, concurrency=1))
        assert (report.sent, report.failed) == (1, 1)
        assert post.lines == 1, "the line goes on with the next mail"

    serve(work)
    row = message(store, "m1")
    assert (row["state"], row["error"]) == (state, error)
    assert message(store, "m2")["state"] == "accepted"


def test_not_now_is_tried_again_with_the_same_message_id(store: Store) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        post.refuse[MEI] = ["451 4.7.1 greylisted"]
        report = await deliver(store, mail_account(post))
        assert report.sent == 1

    serve(work)
    assert [one["result"] for one in tries(store, "m1")] == ["retry", "accepted"]


def test_refused_content_is_no_retry(store: Store) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        post.at_data = "554 5.7.1 looks like spam"
        assert (await deliver(store, mail_account(post))).failed == 1

    serve(work)
    assert message(store, "m1")["error"] == ErrorWord.CONTENT_REJECTED


@pytest.mark.parametrize("misdeed", ["hang", "break"])
def test_no_last_word_is_unknown_and_never_sent_again(store: Store, misdeed: str) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        post.at_data = misdeed
        account = mail_account(post)
        report = await deliver(store, account, timeout_s=0.5)
        assert (report.unknown, report.sent) == (1, 0)
        post.at_data = ""
        post.released.set()
        await deliver(store, account)
        settled = await settle(store, {"post": account}, mode=Mode.LIVE, clock=_much_later)
        assert settled.parked == 1
        await deliver(store, account)
        assert len(post.mails) == 1

    serve(work)
    assert message(store, "m1")["state"] == MessageState.UNKNOWN


def _much_later() -> Any:
    from datetime import UTC, datetime

    return datetime(2030, 1, 1, tzinfo=UTC)


def test_a_server_that_is_down_is_tried_again(store: Store) -> None:
    queue_mail(store, "m1")

    async def work(post: Post) -> None:
        account = mail_account(post)
        dead = mail_account(post, port=1)
        report = await deliver(store, dead, patience_s=0)
        assert (report.sent, report.left) == (0, 1)
        assert message(store, "m1")["error"] == ErrorWord.PROVIDER_DOWN
        later = Turned()
        later.passed = 600
        report = await drain(
            store,
            {"post": account},
            {"default": [["post"]]},
            mode=Mode.LIVE,
            times=later.times(),
            sleep=later.sleep,
        )
        assert report.sent == 1

    serve(work)


def test_texts_never_go_to_a_mail_server(store: Store) -> None:
    queue(store, "t1")

    async def work(post: Post) -> None:
        report = await deliver(store, mail_account(post))
        assert (report.sent, report.left, post.mails) == (0, 1, [])

    serve(work)
