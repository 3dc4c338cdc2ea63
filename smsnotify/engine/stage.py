"""A stage: a whole desk of its own, with a clock that is turned by hand and nothing outside.

Tests and simulations play on it. Replies, events, waits, gates, errands and the outbox go through
the real pipeline over a database in a temporary folder; only the account is the sandbox's, and
its receipts come when the clock moves on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.base.ids import new_id
from smsnotify.base.secrets import Secret
from smsnotify.engine.accounts import Account
from smsnotify.engine.conversing import Conversed, keep
from smsnotify.engine.conversing_events import PlanTeller, tell_people
from smsnotify.engine.conversing_portion import Desk, Entering, Portion
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.conversing_texts import BY_THE_CLOCK
from smsnotify.engine.delivery import drain
from smsnotify.engine.errands import Hands, do_errands
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.loop import run as run_loop
from smsnotify.engine.receipts import take_receipts
from smsnotify.engine.stage_clock import next_due
from smsnotify.engine.stage_parts import (
    ACCOUNT,
    CUSTOMER,
    Anywhere,
    Came,
    NotingStore,
    StageAccount,
    on_stage,
    together,
)
from smsnotify.engine.ticking import talk, tick
from smsnotify.events.read import Chunk
from smsnotify.model.contact import ConsentChange, Contact
from smsnotify.model.decision import Decision
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.facts import Policy
from smsnotify.model.message import (
    ErrorWord,
    InboundMessage,
    MessageState,
    Receipt,
)
from smsnotify.plans.book import Book
from smsnotify.rules.scalars import did_you_mean
from smsnotify.store.conversation_batch import ContactChange
from smsnotify.store.enrolments import WantedEnrolments
from smsnotify.store.open import open_store
from smsnotify.store.replies import WantedReplies
from smsnotify.store.schema import KEY_SECRET

OURS: Final = "+6580000000"
_JOB: Final = "65f000000000000000000001"

_ROUNDS: Final = 20
_STATES: Final = ("done", "due", "failed")


class Stage:
    """The desk, its books and its clock. Close it: its folder goes away."""

    def __init__(
        self,
        book: Book,
        policy: Policy,
        terms: ConversationTerms,
        *,
        at: datetime,
        number: str = CUSTOMER,
        folder: Path | None = None,
        store_kind: type[NotingStore] = NotingStore,
    ) -> None:
        """Open at an instant, with one customer.

        `folder` keeps the books of a stage that is opened again; without it they go away.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            folder = Path(self._temporary.name)
        store = open_store(f"sqlite:///{folder / 'stage.db'}", make=store_kind)
        assert isinstance(store, NotingStore)
        # The addresses of our own pages are the same in every rehearsal: a test can expect them.
        store.set_meta(KEY_SECRET, "00")
        self.store = store
        self.store.decided = []
        self.now = at
        self.number = number
        policy = on_stage(policy, number)
        own = terms.own_numbers | {OURS}
        self.desk = Desk(self.store, book, policy, msgspec.structs.replace(terms, own_numbers=own))
        self._account = StageAccount()
        self._accounts = {ACCOUNT: Account.of(ACCOUNT, self._account)}
        self._routes = Anywhere()
        self._actions = folder / "actions.jsonl"
        self._calls: list[str] = []
        self._hands = Hands(
            action_file=self._actions, webhook_secret=Secret("plain", "stage"), post=self._post
        )
        self._subject = ""
        self._read = 0
        self._errands: set[str] = set()

    def close(self) -> None:
        """Take the stage down."""
        self.store.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self._calls.append(url)
        return 204

    # Who is who.

    def introduce(
        self,
        number: str,
        contact: Contact,
        *,
        opted_out: bool = False,
        marketing: bool = False,
    ) -> None:
        """Make somebody known before anything happens, by a number and any other addresses."""
        known = msgspec.structs.replace(
            contact,
            id=new_id(self.now),
            addresses=(number, *contact.addresses),
            created_at=self.now,
        )
        self.store.add_contacts([known], self.now)
        if contact.facets or contact.tags:
            change = ContactChange(
                contact_id=known.id, facets=dict(contact.facets), tags=contact.tags
            )
            self.store.change_contacts([change], self.now)
        for scope, holds, out in (
            ("all", opted_out, True),
            ("purpose:marketing", marketing, False),
        ):
            if holds:
                wish = ConsentChange(
                    recipient=number, opted_out=out, source="clerk", at=self.now, scope=scope
                )
                self.store.note_consents([wish], self.now)

    def know_job(self, job: Mapping[str, Any]) -> None:
        """Take in a job that nobody is texted about; a clerk's enrolment is about it.

        Raises:
            UsageError: it cannot be read.
        """
        known = {"id": _JOB, **job}
        line = msgspec.json.encode({"event": "info_received", "job": known})
        intake = Intake(self.desk.book.rules, self.desk.policy, self.store, source="test")
        for wrong in intake.take_jobs(1, [line], self.now).rejected:
            raise UsageError(f"the job cannot be read: {wrong.message}", hint=wrong.hint)
        self._subject = f"id:{known['id']}"

    @property
    def contact(self) -> Contact:
        """The customer, as the books know them."""
        return self.store.contacts_of([self.number]).get(self.number, Contact())

    @property
    def enrolment(self) -> Enrolment | None:
        """The customer's newest enrolment."""
        found = self.store.list_enrolments(WantedEnrolments(number=self.number), 1)
        return found[0] if found else None

    def ways(self) -> Iterable[tuple[str, str, str]]:
        """Yield every way that was taken: plan, step, path."""
        for one in self.store.list_enrolments(WantedEnrolments(), None):
            for step in self.store.transitions_of(one.id):
                if step.from_step:
                    yield one.plan, step.from_step, step.path

    def goals(self) -> dict[str, float]:
        """Return what goals the customer has reached, and their value together."""
        found: dict[str, float] = {}
        if self.contact.id:
            for one in self.store.interactions_of(self.contact.id):
                if one.event == "goal":
                    name = str(one.data["goal"])
                    found[name] = found.get(name, 0.0) + (one.value or 0.0)
        return found

    # What happens.

    def says(self, body: str, sender: str = "") -> Came:
        """Somebody writes to us."""
        self._arrive()
        self.now += timedelta(microseconds=1)
        reply = InboundMessage(
            provider_message_id=f"{self.now.isoformat()} {sender}",
            sender=sender or self.number,
            to=OURS,
            body=body,
            at=self.now,
        )
        self.store.note_replies(ACCOUNT, [reply], self.now)
        came = self._work()
        newest = self.store.list_replies(WantedReplies(), 1)[0]
        return msgspec.structs.replace(came, read_as=newest.verdict or newest.state)

    def events(self, entries: Sequence[Mapping[str, Any]]) -> Came:
        """Events come in, as from a feed.

        Raises:
            UsageError: one of them cannot be read.
        """
        return self.feed([Chunk(1, [msgspec.json.encode(entry) for entry in entries])])

    def feed(self, chunks: Iterable[Chunk], file: str = "") -> Came:
        """The lines of a file come in.

        Raises:
            InputError: the file cannot be read.
            UsageError: one of the lines cannot.
        """
        self._arrive()
        intake = Intake(
            self.desk.book.rules,
            self.desk.policy,
            self.store,
            source="test",
            ticket=Ticket(f"events of {self.now.isoformat()}", adopts=True),
            plans=PlanTeller(self.desk),
        )
        for chunk in chunks:
            for line in intake.take(chunk.first, chunk.lines, self.now).rejected:
                where = f"{file}:{line.line}" if file else f"event {line.line}"
                raise UsageError(f"{where} cannot be read: {line.message}", hint=line.hint)
        return self._work()

    def happens(self, name: str) -> Came:
        """An event about the job that the customer was asked about last, or about them alone.

        Raises:
            UsageError: nobody knows such an event.
        """
        known = {*EVENT_NAMES, *self.desk.book.rules.custom_events}
        if name not in known:
            raise UsageError(
                f"unknown event {name!r}",
                hint=did_you_mean(name, known) or "an event of your own goes under custom_events",
            )
        one = self.enrolment
        stored = self.store.jobs_by_subject([one.subject]) if one is not None else {}
        if one is not None and one.subject in stored:
            job = msgspec.json.decode(stored[one.subject].snapshot)
            return self.events([{"event": name, "job": job}])
        self._arrive()
        contact = self.contact
        if contact.id:
            ref = f"{name} {self.now.isoformat()}"
            tell_people(self.desk, name, ref, {contact.id: self.number}, self.now)
        return self._work()

    def enrol(self, plan_name: str) -> Came:
        """A clerk puts the customer into a plan.

        Raises:
            PlanError: there is no such plan.
            UsageError: it is off.
        """
        self._arrive()
        plan = self.desk.book.plans.named(plan_name)
        if not plan.enabled:
            raise UsageError(f"the plan {plan_name!r} is off", hint="enabled: true in the plan")
        portion = Portion(self.desk, self.now)
        portion.know([self.number])
        subject = self._subject
        portion.know_jobs([subject])
        entering = Entering(
            plan=plan,
            number=self.number,
            source="hand",
            ref=f"hand {self.now.isoformat()}",
            job=portion.job(subject),
            subject=subject,
        )
        if portion.may_enter(entering):
            portion.enter(entering, BY_THE_CLOCK)
            keep(portion, Conversed())
        return self._work()

    def fails(self, word: str = ErrorWord.UNREACHABLE) -> Came:
        """The last text that went out comes back undelivered.

        Raises:
            UsageError: nothing is on its way.
        """
        if not self._account.on_the_way:
            raise UsageError("no text is on its way", hint="fail comes right after the text")
        self._arrive(failed=word)
        return self._work()

    def wait(self, span: timedelta) -> Came:
        """Time passes; everything that comes due on the way happens at its time."""
        self._arrive()
        end, cames = self.now + span, list[Came]()
        while True:
            due = next_due(self.store, self.desk.book.rules, self.desk.policy, self.now, end)
            self.now = max(due, self.now)
            released = self._tick()
            cames.append(self._work(released))
            self._arrive()
            if self.now >= end:
                break
        return together(cames)

    # Behind the scenes.

    def _tick(self) -> list[Decision]:
        book, policy = self.desk.book, self.desk.policy
        done = tick(self.store, book.rules, policy, self.now, desk=self.desk)
        return [again.decision for again in done.released if again.decision is not None]

    def _work(self, before: Collection[Decision] = ()) -> Came:
        """Talk, run errands and send until nothing more comes of it."""
        for _ in range(_ROUNDS):
            done = talk(self.desk, self.now)
            errands = do_errands(self.desk, self._hands, self.now)
            sent = run_loop(
                drain(
                    self.store,
                    self._accounts,
                    self._routes,
                    mode=self.desk.policy.mode,
                    clock=lambda: self.now,
                    patience_s=0.0,
                )
            )
            if not (done.replies or done.moved or errands.done or sent.sent):
                break
        decided, self.store.decided = self.store.decided, []
        calls, self._calls = self._calls, []
        return Came(
            decisions=(*before, *decided),
            emitted=tuple(self._emitted()),
            actions=tuple(self._new_actions()),
            calls=tuple(calls),
        )

    def _emitted(self) -> Iterable[str]:
        mode = self.desk.policy.mode.value
        for errand in reversed(self.store.list_errands(mode, _STATES, 1000)):
            if errand.id not in self._errands:
                self._errands.add(errand.id)
                if errand.kind == "emit":
                    yield str(errand.data["event"])

    def _new_actions(self) -> Iterable[Mapping[str, Any]]:
        if not self._actions.exists():
            return
        lines = self._actions.read_bytes().splitlines()
        for line in lines[self._read :]:
            yield msgspec.json.decode(line)
        self._read = len(lines)

    def _arrive(self, failed: str = "") -> None:
        """Let the receipts of what went out come in; with `failed`, the last one tells of that."""
        on_the_way, self._account.on_the_way = self._account.on_the_way, []
        if not on_the_way:
            return
        receipts = [
            Receipt(
                provider_message_id=one,
                state=MessageState.DELIVERED,
                raw_word="delivered",
                at=self.now,
            )
            for one in (on_the_way[:-1] if failed else on_the_way)
            if one not in self._account.mails
        ]
        if failed:
            lost = Receipt(
                provider_message_id=on_the_way[-1],
                state=MessageState.UNDELIVERED,
                error=ErrorWord(failed) if failed in set(ErrorWord) else ErrorWord.UNKNOWN_ERROR,
                raw_word=failed,
                at=self.now,
            )
            receipts.append(lost)
        take_receipts(self.store, ACCOUNT, receipts, self.now)
