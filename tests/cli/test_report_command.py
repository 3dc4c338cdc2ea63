"""`report`: in the terminal, as JSON, CSV and one HTML page."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cli_calls import Cli

from smsnotify.cli.report_words import spark

RULES = (
    "rules:\n  - name: '<b>done</b>'\n    events: [completed]\n"
    '    to: {fields: [phone_number]}\n    body: "Order {{ do_number }} has arrived."\n'
)
EVENT = (
    '{"event": "completed", "job": {"do_number": "DO-1", "date": "2026-03-02", '
    '"phone_number": "+6591230000"}}\n'
)
AT = "2026-03-02T12:00:00+00:00"


@pytest.fixture
def desk(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A desk that has sent one text, through an account with a price."""
    (folder / "rules.yaml").write_text(RULES)
    (folder / "events.jsonl").write_text(EVENT)
    (folder / "sms-notify.toml").write_text(
        'country = "SG"\n[prices]\ncurrency = "EUR"\nsandbox = {SG = 0.05}\n'
    )
    assert cli("process", "events.jsonl", "--as-of", AT).code == 0
    return cli


def test_the_terminal_shows_texts_and_money(desk: Cli) -> None:
    done = desk("report", "--since", "2026-03-01")
    assert done.code == 0
    assert "0.05 EUR, 0.050 a completed job" in done.out
    assert re.search(r"<b>done</b> +1 ", done.out)


def test_json_and_csv_have_the_same_counts(desk: Cli) -> None:
    (made,) = desk("report", "--since", "2026-03-01", "--json").json
    assert (made["type"], made["texts"], made["cost"]) == ("report", 1, "0.05")
    head, row = desk("report", "--since", "2026-03-01", "--csv").out.splitlines()
    told = dict(zip(head.split(","), row.split(","), strict=True))
    assert (told["day"], told["count"], told["state"]) == ("2026-03-02", "1", "delivered")


def test_the_page_is_escaped_and_asks_nobody_for_anything(desk: Cli, folder: Path) -> None:
    done = desk("report", "--since", "2026-03-01", "--html", "r.html")
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert done.code == 0
    assert "<b>done</b>" not in page
    assert "&lt;b&gt;done&lt;/b&gt;" in page
    assert "<script" not in page
    assert page.count("<svg") == 2
    assert "0.050 a completed job" in page
    addresses = set(re.findall(r"https?://[^\"' <>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "soon"], "no point in time"),
        (["--since", "2020-01-01"], "at most 400 days"),
        (["--since", "2999-01-01"], "still to come"),
        (["--csv", "--html", "r.html"], "choose one"),
        (["--csv", "--mail", "boss@example.com"], "choose one"),
        (["--since", "2026-03-01", "--mail", "boss"], "is no email address"),
        (["--since", "2026-03-01", "--mail", "boss@example.com"], "no account of the settings"),
    ],
)
def test_what_makes_no_report(desk: Cli, options: list[str], words: str) -> None:
    done = desk("report", *options)
    assert done.code == 2
    assert words in done.err


def test_a_report_is_its_owners_alone(desk: Cli, folder: Path) -> None:
    desk("report", "--html", "r.html")
    assert (folder / "r.html").stat().st_mode & 0o077 == 0
    (folder / "r.html").chmod(0o644)
    desk("report", "--html", "r.html")
    assert (folder / "r.html").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_written_is_said(desk: Cli) -> None:
    done = desk("report", "--html", "no/such/folder/r.html")
    assert done.code == 3
    assert "cannot write no/such/folder/r.html" in done.err


def test_nothing_yet_is_no_error_and_makes_no_database(folder: Path, cli: Cli) -> None:
    done = cli("report")
    assert (done.code, done.out) == (0, "")
    assert "nothing was ever queued" in done.err
    assert list(folder.glob("*.db")) == []


def test_a_line_of_bars_stays_short() -> None:
    assert spark((0, 1, 2, 7)) == "▁▂▃█"
    assert len(spark(tuple(range(400)))) <= 31
    assert spark(()) == ""


class Post:
    """A mail server on loopback that keeps what comes in, and refuses some."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        self.mails.append(mail)  # type: ignore[arg-type]
        return "250 2.0.0 queued"


@pytest.fixture
def post(folder: Path, desk: Cli) -> Iterator[Post]:
    """A server, and an account in the settings that mails through it."""
    kept = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with (folder / "sms-notify.toml").open("a") as settings:
            settings.write(
                f'[accounts.post]\nprovider = "smtp"\nhost = "127.0.0.1"\nport = {port}\n'
                'tls = "none"\nsender = "Acme <notify@acme.test>"\n'
            )
        yield kept
    finally:
        controller.stop()


def test_the_page_is_mailed_with_the_figures_above_it(desk: Cli, post: Post) -> None:
    done = desk(
        "report", "--since", "2026-03-01", "--mail", "boss@acme.test", "--mail", "ops@acme.test"
    )
    assert done.code == 0, done.err
    assert "mailed to boss@acme.test" in done.err
    assert [mail["To"] for mail in post.mails] == ["boss@acme.test", "ops@acme.test"]
    mail = post.mails[0]
    assert mail["Subject"].startswith("Texts from 2026-03-01 to ")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "cost: 0.05 EUR, 0.050 a completed job" in plain.get_content()
    assert "<li>texts: <strong>1</strong></li>" in html.get_content()
    (page,) = mail.iter_attachments()
    assert page.get_content_type() == "text/html"
    assert str(page.get_filename()).startswith("report-2026-03-01-")
    sent = page.get_payload(decode=True)
    assert isinstance(sent, bytes)
    assert sent.decode().startswith("<!doctype html>")
    assert "&lt;b&gt;done&lt;/b&gt;" in sent.decode()


def test_whoever_was_not_mailed_is_named(desk: Cli, post: Post, folder: Path) -> None:
    done = desk(
        *("report", "--since", "2026-03-01", "--html", "r.html"),
        *("--mail", "gone@acme.test", "--mail", "boss@acme.test"),
    )
    assert done.code == 3
    assert "not mailed to gone@acme.test: invalid_number 550 5.1.1 nobody" in done.err
    assert [mail["To"] for mail in post.mails] == ["boss@acme.test"]
    assert (folder / "r.html").exists()


def test_mails_and_alarms_cost_nothing_and_need_no_price(folder: Path, cli: Cli, desk: Cli) -> None:
    (folder / "rules.yaml").write_text(
        "rules:\n  - name: ops\n    channel: apprise\n    events: [failed]\n"
        '    body: "{{ do_number }}"\n'
    )
    event = EVENT.replace("completed", "failed").replace("DO-1", "DO-2")
    (folder / "events.jsonl").write_text(event)
    (folder / "sms-notify.toml").write_text('country = "SG"\n')
    assert cli("process", "events.jsonl", "--as-of", AT).code == 0
    (made,) = cli("report", "--since", "2026-03-01", "--json").json
    assert (made["texts"], made["unpriced"]) == (2, 1)
