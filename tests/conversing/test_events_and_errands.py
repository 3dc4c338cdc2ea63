"""Plans that know a job: begun by a rule, asked about two jobs, acting on the world."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from talk import ANNA, Talk

from smsnotify.base.secrets import Secret
from smsnotify.engine.action_file import write_action
from smsnotify.engine.conversing_events import PlanTeller
from smsnotify.engine.errands import BACK_OFF, ERRAND_ID, SIGNATURE, Errands, Hands, do_errands
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket

RULES = (Path(__file__).parent / "redelivery.yaml").read_text(encoding="utf-8")
STAFF = "+6591239000"

MakeTalk = Callable[..., Talk]


class Taker:
    """Takes webhooks."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, str], bytes]] = []
        self.status = 200

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.calls.append((url, headers, body))
        return self.status


def job(number: int = 1, status: str = "failed") -> bytes:
    made = {
        "id": f"job-{number}",
        "type": "Delivery",
        "do_number": f"DO-{number}",
        "date": "2026-03-02",
        "phone_number": ANNA,
        "status": status,
    }
    return json.dumps({"event": status, "id": f"{status}-{number}", "job": made}).encode()


def take(talk: Talk, *lines: bytes) -> int:
    """Take events in; return how many people came into plans."""
    desk = talk.desk
    intake = Intake(
        desk.book.rules, desk.policy, talk.store, ticket=Ticket(), plans=PlanTeller(desk)
    )
    taken = intake.take(1, lines, talk.now)
    assert not taken.rejected
    return taken.entered


def hands(talk: Talk, taker: Taker | None = None, **rest: Any) -> Hands:
    values = {"webhook_secret": Secret.parse("s3cret", None), "post": taker or Taker()}
    return Hands(action_file=talk.folder / "actions.jsonl", **values | rest)


def actions(talk: Talk) -> list[dict[str, Any]]:
    file = talk.folder / "actions.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def texts(talk: Talk) -> list[str]:
    return [row["body"] for row in talk.rows("messages")]


@pytest.fixture
def missed(make_talk: MakeTalk) -> Talk:
    """Anna was not at home."""
    talk = make_talk(RULES, staff=(STAFF,))
    assert take(talk, job()) == 1
    return talk


def test_a_rule_starts_a_plan_about_its_job_once(missed: Talk) -> None:
    assert take(missed, job()) == 0
    assert texts(missed) == ["We missed you with DO-1. Reply 1 for tomorrow, 2 to pick it up."]
    (enrolment,) = missed.rows("enrolments")
    assert (enrolment["subject"], enrolment["job"], enrolment["source"]) == (
        "id:job-1",
        "DO-1",
        "rule",
    )


def test_an_answer_runs_every_errand_once(missed: Talk) -> None:
    taker = Taker()
    assert missed.later(minutes=5).hears("1") == ["We will bring DO-1 tomorrow."]
    report = do_errands(missed.desk, hands(missed, taker), missed.now)
    assert report == Errands(done=4)
    assert do_errands(missed.desk, hands(missed, taker), missed.now) == Errands()
    assert sorted(texts(missed)[2:]) == ["DO-1 again tomorrow", "DO-1 comes again."]
    (row,) = actions(missed)
    assert {name: row[name] for name in ("do", "order", "answer", "plan")} == {
        "do": "redeliver",
        "order": "DO-1",
        "answer": "1",
        "plan": "redelivery",
    }
    ((url, headers, body),) = taker.calls
    assert url == "https://erp.example.com/again"
    told = json.loads(body)
    assert (told["job"], told["number"], told["answers"]) == ("DO-1", ANNA, {"ask": "1"})
    stamp, mac = (part.split("=")[1] for part in headers[SIGNATURE].split(","))
    signed = hmac.new(b"s3cret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert (mac, headers[ERRAND_ID]) == (signed, told["id"])


def test_the_job_event_that_a_plan_listens_to_moves_it_on(missed: Talk) -> None:
    missed.later(minutes=5).hears("1")
    missed.later(hours=20)
    take(missed, job(status="completed"))
    assert "Enjoy DO-1!" in texts(missed)
    do_errands(missed.desk, hands(missed), missed.now)
    assert "How was it? 1 to 5" in texts(missed)
    plans = {row["plan"]: row["state"] for row in missed.rows("enrolments")}
    assert plans == {"redelivery": "finished", "survey": "waiting"}


def test_a_webhook_is_tried_again_and_given_up(missed: Talk) -> None:
    taker = Taker()
    taker.status = 503
    missed.hears("1")
    assert do_errands(missed.desk, hands(missed, taker), missed.now) == Errands(done=3, again=1)
    for wait in BACK_OFF[:-1]:
        assert do_errands(missed.desk, hands(missed, taker), missed.now) == Errands()
        missed.now += wait
        assert do_errands(missed.desk, hands(missed, taker), missed.now) == Errands(again=1)
    missed.now += BACK_OFF[-1]
    assert do_errands(missed.desk, hands(missed, taker), missed.now) == Errands(failed=1)
    assert len({headers[ERRAND_ID] for _, headers, _ in taker.calls}) == 1


def test_nothing_is_called_unsigned(missed: Talk) -> None:
    taker = Taker()
    missed.hears("1")
    report = do_errands(missed.desk, hands(missed, taker, webhook_secret=None), missed.now)
    assert (report.again, taker.calls) == (1, [])


def test_two_open_questions_are_settled_by_one_more(missed: Talk) -> None:
    take(missed.later(minutes=1), job(2))
    missed.later(minutes=5)
    assert missed.hears("1") == ["Which one do you mean? Reply 1 for DO-2, 2 for DO-1."]
    assert [row["step"] for row in missed.rows("enrolments")] == ["ask", "ask"]
    assert missed.later(minutes=1).hears("2") == ["We will bring DO-1 tomorrow."]
    steps = {row["job"]: row["step"] for row in missed.rows("enrolments")}
    assert steps == {"DO-1": "tomorrow", "DO-2": "ask"}
    assert missed.rows("choices") == []
    assert missed.later(minutes=1).hears("2") == ["DO-2 waits for you."]


def test_an_action_is_not_doubled_by_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "actions.jsonl"
    row = {"id": "one", "do": "a"}
    assert write_action(file, row, may_be_there=False)
    assert not write_action(file, row, may_be_there=True)
    with file.open("ab") as lines:
        lines.write(b'{"id":"two","d')
    assert write_action(file, {"id": "two", "do": "b"}, may_be_there=True)
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ["one", "two"]


TO_STAFF = """
version: 1
rules:
  - name: failed
    events: [failed]
    to: {fields: [phone_number]}
    tracking_link: none
    body: "We missed you with {{ do_number }}."
  - name: somebody-wrote
    events: [reply]
    to: {fixed: ["+6591239000"]}
    tracking_link: none
    body: "{{ reply_from }} about {{ do_number | default('nothing') }}: {{ reply_text }}"
"""


def test_what_nobody_knows_goes_to_the_staff_with_its_job(make_talk: MakeTalk) -> None:
    from sqlalchemy import text

    talk = make_talk(TO_STAFF)
    assert take(talk, job()) == 0
    with talk.store.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'delivered'"))
    talk.later(minutes=1).says("Tomorrow please")
    talk.says("Hm", "+6591230007")
    talk.work()
    told = [row["body"] for row in talk.rows("messages") if row["recipient"] == STAFF]
    assert sorted(told) == [
        f"{ANNA} about DO-1: Tomorrow please",
        "+6591230007 about nothing: Hm",
    ]
