"""A plan that mails over a real mail server: taken, and refused, with a text in its place."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from place import Place

PLAN = """
plans:
  - name: papers
    steps:
      - ask:
          channel: email
          subject: "Your papers, {{ contact.first_name }}"
          send: "Text us **OK**. No mails: {{ opt_out_link }}"
          wait: {for: 2d, replies: {OK: end}, not_delivered: by_text}
      - by_text: {send: "We could not mail you. Please call us."}
"""
PEOPLE = (
    "phone_number,email,name\n"
    "+6591230001,ann@acme.test,Ann Tan\n"
    "+6591230002,gone@acme.test,Ben Lim\n"
)


class Post:
    """A mail server that knows everybody but one."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        self.mails.append(content.decode() if isinstance(content, bytes) else content)
        return "250 2.0.0 queued"


@pytest.fixture
def post(place: Place) -> Iterator[Post]:
    """The server, and a live desk that mails through it and has no account for texts."""
    made = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.settings(
        mode="live",
        public_url="https://notify.acme.test",
        accounts={
            "post": {
                "provider": "smtp",
                "host": "127.0.0.1",
                "port": port,
                "tls": "none",
                "sender": "Acme <n@acme.test>",
            }
        },
    )
    place.rules(PLAN)
    (place / "people.csv").write_text(PEOPLE)
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


def test_a_mail_that_the_server_refuses_takes_the_way_of_what_did_not_arrive(
    place: Place, post: Post
) -> None:
    done = place.run("plans", "enrol", "papers", "--file", "people.csv")
    assert done.code == 1  # one of them failed for good
    (mail,) = post.mails
    assert "Subject: Your papers, Ann" in mail
    assert "List-Unsubscribe: <https://notify.acme.test/o/" in mail
    assert place.run("tick").code == 3  # no account is for texts here
    (status,) = place.json("plans", "status").only("plan_status")
    assert (status["reached"], status["waiting"]) == ({"ask": 2, "by_text": 1}, {"ask": 1})
    told = sorted((one["channel"], one["state"]) for one in place.outbox())
    assert told == [("email", "accepted"), ("email", "failed"), ("sms", "queued")]
    assert "mail “Your papers, Ann”" in place.run("contacts", "show", "+6591230001").out
