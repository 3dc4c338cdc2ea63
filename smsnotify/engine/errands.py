"""What plans want done in the world: done after the step that wanted it, each once.

An errand is claimed for a minute, done, and settled. Who dies in between leaves it due again, so
doing one twice must come to the same: an event and a text have keys, a row of the action file has
an id that is looked for, and a webhook says its id so that its taker can tell.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from smsnotify import __version__
from smsnotify.base.errors import ConfigError, OvertakenError, StoreError
from smsnotify.base.secrets import Secret
from smsnotify.engine.action_file import write_action
from smsnotify.engine.conversing import Conversed, GoOn, keep
from smsnotify.engine.conversing_events import PlanTeller, tell_people
from smsnotify.engine.conversing_portion import Desk, Entering, Portion
from smsnotify.engine.conversing_texts import BY_THE_CLOCK, Cause, plain_draft
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.gates.caps import ALERT_KIND
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.rule import APPRISE, SMS
from smsnotify.store import errands as errands_store
from smsnotify.store.batch import StoredJob
from smsnotify.store.errands import StoredErrand
from smsnotify.text.mentions import defused

log = logging.getLogger(__name__)

CLAIMED_FOR: Final = timedelta(minutes=2)
AT_ONCE: Final = 20
WEBHOOK_S: Final = 10.0
BACK_OFF: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""When an errand that failed is tried again; after the last one it has failed for good."""

SIGNATURE: Final = "X-Sms-Notify-Signature"
ERRAND_ID: Final = "X-Sms-Notify-Id"

Post = Callable[[str, Mapping[str, str], bytes], int]
"""Posts a body to an address with headers; returns the status, raises OSError or httpx errors."""


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """What errands need besides the desk: the action file, and what signs and posts webhooks."""

    action_file: Path
    webhook_secret: Secret | None = None
    post: Post | None = None


class Errands(msgspec.Struct):
    """What a round of errands came to."""

    done: int = 0
    again: int = 0
    failed: int = 0


class _FailedError(Exception):
    """An errand could not be done; `for_good`: trying again cannot help."""

    def __init__(self, told: str, *, for_good: bool = False) -> None:
        super().__init__(told)
        self.told = told
        self.for_good = for_good


def do_errands(desk: Desk, hands: Hands, now: datetime, *, go_on: GoOn = lambda: True) -> Errands:
    """Do what is due; `go_on` is asked between errands.

    Raises:
        StoreError: the database failed; what is left is done next time.
    """
    report = Errands()
    while go_on():
        claimed = desk.store.claim_errands(
            desk.policy.mode.value, now, lasting=CLAIMED_FOR, limit=AT_ONCE
        )
        for errand in claimed:
            settled = _settled(errand, _try(desk, hands, errand, now), now)
            desk.store.settle_errands([settled], now)
            report.done += settled.state == errands_store.DONE
            report.again += settled.state == errands_store.DUE
            report.failed += settled.state == errands_store.FAILED
        if len(claimed) < AT_ONCE:
            break
    return report


def _try(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> _FailedError | None:
    try:
        _DOERS[errand.kind](desk, hands, errand, now)
    except _FailedError as failure:
        return failure
    except (OvertakenError, OSError) as error:
        return _FailedError(str(error))
    except StoreError:
        raise
    except KeyError:
        return _FailedError(f"an errand of the kind {errand.kind!r} is not known", for_good=True)
    return None


def _settled(
    errand: StoredErrand, failure: _FailedError | None, now: datetime
) -> errands_store.SettledErrand:
    state, told, due_at = errands_store.DONE, "", None
    if failure is not None:
        told = failure.told
        if failure.for_good or errand.attempts > len(BACK_OFF):
            state = errands_store.FAILED
            log.error("an errand of a plan failed for good: %s", told, extra={"errand": errand.id})
        else:
            state, due_at = errands_store.DUE, now + BACK_OFF[max(errand.attempts, 1) - 1]
            log.warning("an errand of a plan is tried again: %s", told, extra={"errand": errand.id})
    return errands_store.SettledErrand(
        id=errand.id, attempts=errand.attempts, state=state, error=told[:300], due_at=due_at
    )


def _enrolment(desk: Desk, errand: StoredErrand) -> Enrolment:
    found = desk.store.enrolments_by_id([errand.enrolment_id]).get(errand.enrolment_id)
    if found is None:
        raise _FailedError("the person is forgotten", for_good=True)
    return found


# Each kind.


def _emit(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> None:
    """Take the event in like any other, about the job that the enrolment is about."""
    enrolment, name = _enrolment(desk, errand), str(errand.data["event"])
    stored = desk.store.jobs_by_subject([enrolment.subject]).get(enrolment.subject)
    if stored is None or not stored.snapshot:
        tell_people(desk, name, errand.key, {enrolment.contact_id: enrolment.number}, now)
        return
    intake = Intake(
        desk.book.rules,
        desk.policy,
        desk.store,
        source="plan",
        ticket=Ticket(),
        plans=PlanTeller(desk),
    )
    taken = intake.take(1, [_line(name, errand, stored)], now)
    for rejected in taken.rejected:
        raise _FailedError(rejected.message, for_good=True)


def _line(name: str, errand: StoredErrand, stored: StoredJob) -> bytes:
    head = {"event": name, "id": f"plan/{errand.key}", "time": errand.created_at.isoformat()}
    return msgspec.json.encode(head)[:-1] + b',"job":' + stored.snapshot + b"}"


def _alert(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> None:
    """Tell the firm's own people, by text or by alarm."""
    if not desk.terms.staff:
        raise _FailedError("`staff` in the settings is empty: nobody is alerted")
    portion = Portion(desk, now)
    portion.know([])
    portion.know_people(desk.terms.staff)
    told = str(errand.data["text"])
    for colleague in desk.terms.staff:
        texted = colleague.startswith("+")  # else it is the route of alarms
        draft = plain_draft(
            ALERT_KIND,
            str(errand.data.get("plan_name", "")),
            subject=errand.id,
            occasion=str(errand.data.get("step", "")),
            mode=desk.policy.mode,
            number=colleague,
            body=told if texted else defused(told),
            route=desk.terms.route if texted else colleague,
            channel=SMS if texted else APPRISE,
            cause=Cause("alert", errand.key, errand.created_at),
        )
        portion.say(draft)
    keep(portion, Conversed())


def _action(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> None:
    """Write a line for the firm's own system."""
    row: dict[str, Any] = {
        "id": errand.id,
        "at": errand.created_at.isoformat(),
        "plan": errand.data.get("plan_name", ""),
        "step": errand.data.get("step", ""),
        **errand.data["row"],
    }
    try:
        write_action(hands.action_file, row, may_be_there=errand.attempts > 1)
    except OSError as error:
        raise _FailedError(f"{hands.action_file.name}: {error.strerror}") from None


def _webhook(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> None:
    """Call an address of the firm's, signed."""
    if hands.webhook_secret is None:
        raise _FailedError("[conversation] webhook_secret is not set: nothing is called unsigned")
    enrolment = _enrolment(desk, errand)
    body = msgspec.json.encode(
        {
            "id": errand.id,
            "at": errand.created_at,
            "plan": errand.data.get("plan_name", ""),
            "step": errand.data.get("step", ""),
            "number": enrolment.number,
            "job": enrolment.job,
            "answers": errand.data.get("answers", {}),
        }
    )
    try:
        headers = signed_headers(hands.webhook_secret.reveal(), errand.id, body, now)
        status = (hands.post or post)(str(errand.data["url"]), headers, body)
    except ConfigError as error:
        raise _FailedError(error.message) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _FailedError(f"the webhook did not answer: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise _FailedError(f"the webhook answered {status}", for_good=status == 410)


def signed_headers(secret: str, errand_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a webhook: HMAC-SHA256 over the time, a dot, and the body."""
    stamp = str(int(now.timestamp()))
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": f"sms-notify/{__version__}",
        ERRAND_ID: errand_id,
        SIGNATURE: f"t={stamp},v1={mac}",
    }


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post without following anybody anywhere else."""
    with httpx.Client(timeout=WEBHOOK_S, follow_redirects=False, trust_env=False) as client:
        return client.post(url, headers=dict(headers), content=body).status_code


def _start_plan(desk: Desk, hands: Hands, errand: StoredErrand, now: datetime) -> None:
    """Let the person into another plan, on the same number."""
    name = str(errand.data["plan"])
    plan = desk.book.plans.by_name.get(name)
    if plan is None:
        raise _FailedError(f"there is no plan {name!r} that is on", for_good=True)
    enrolment = _enrolment(desk, errand)
    portion = Portion(desk, now)
    portion.know([enrolment.number])
    portion.know_jobs([enrolment.subject])
    entering = Entering(
        plan=plan,
        number=enrolment.number,
        source="plan",
        ref=errand.key,
        job=portion.job(enrolment.subject),
        subject=enrolment.subject,
        account=enrolment.account,
        ours=enrolment.ours,
    )
    if portion.may_enter(entering):
        portion.enter(entering, BY_THE_CLOCK)
        keep(portion, Conversed())


_Doer = Callable[[Desk, Hands, StoredErrand, datetime], None]
_DOERS: Final[Mapping[str, _Doer]] = {
    "emit": _emit,
    "alert": _alert,
    "action": _action,
    "webhook": _webhook,
    "start_plan": _start_plan,
}
