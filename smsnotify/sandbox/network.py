"""What a text meets after it was taken: the operator, the phone, and the receipts on their way."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from smsnotify.base.clock import Clock
from smsnotify.model.fault import Fault
from smsnotify.model.http import HttpRequest
from smsnotify.model.message import MessageState
from smsnotify.sandbox import webhooks
from smsnotify.sandbox.agenda import Agenda
from smsnotify.sandbox.book import Book
from smsnotify.sandbox.caller import Caller
from smsnotify.sandbox.faults import Faults, Pace
from smsnotify.sandbox.texts import Account, Phone, Speech, Text, Trouble
from smsnotify.text.size import measure

AGAIN_S: Final = {Speech.EIGHT: (1.0, 10.0, 30.0, 90.0), Speech.TWILIO: (0.0,)}
"""After how long a hook is called again: 8x8 after any failure, Twilio only when nobody listens."""

LATE_S: Final = 5.0
"""So much later than it should comes a late receipt."""

STOP_WORDS: Final = frozenset(
    ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
)
START_WORDS: Final = frozenset(("START", "YES", "UNSTOP"))
HELP_WORDS: Final = frozenset(("HELP", "INFO"))
_STOPPED: Final = (
    "You have successfully been unsubscribed. You will not receive any more messages "
    "from this number. Reply START to resubscribe."
)
_STARTED: Final = (
    "You have successfully been re-subscribed to messages from this number. "
    "Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
_HELPED: Final = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
_OWN_ANSWER: Final = "Twilio answers this word itself"


class Network:
    """Moves texts to phones and back, on the agenda's time."""

    def __init__(
        self, book: Book, agenda: Agenda, caller: Caller, faults: Faults, pace: Pace, clock: Clock
    ) -> None:
        """Nothing moves before the agenda runs."""
        self._book = book
        self._agenda = agenda
        self._caller = caller
        self._faults = faults
        self._pace = pace
        self._clock = clock

    def take(self, text: Text, account: Account) -> None:
        """Let a text that was accepted go its way, at once or when it is scheduled."""
        if text.starts_at is not None and text.starts_at > self._clock():
            self._agenda.add_at(text.starts_at, partial(self._start, text, account))
        else:
            self._way(text, account)

    async def _start(self, text: Text, account: Account) -> None:
        if text.state is MessageState.ACCEPTED:
            self._way(text, account)

    def _way(self, text: Text, account: Account) -> None:
        phone = self._book.phone(text.phone)
        slower = self._pace.slow_s if phone.is_slow else 0.0
        self._agenda.add(self._pace.sent_s, partial(self._to_operator, text, account, slower))
        self._agenda.add(self._pace.delivered_s, partial(self._to_phone, text, account, slower))

    async def _to_operator(self, text: Text, account: Account, slower: float) -> None:
        if text.state is MessageState.ACCEPTED:
            self._move(text, account, MessageState.SENT, after_s=slower)

    async def _to_phone(self, text: Text, account: Account, slower: float) -> None:
        phone = self._book.phone(text.phone)
        if text.is_final:
            return
        if phone.is_gone:
            self._move(text, account, MessageState.UNDELIVERED, Trouble.GONE, after_s=slower)
        elif phone.is_off:
            self._agenda.add_at(self._last_moment(text), partial(self._give_up, text, account))
        else:
            self._move(text, account, MessageState.DELIVERED, after_s=slower)

    def _last_moment(self, text: Text) -> datetime:
        longest = text.created_at + timedelta(seconds=self._pace.gives_up_s)
        return longest if text.gives_up_at is None else min(text.gives_up_at, longest)

    async def _give_up(self, text: Text, account: Account) -> None:
        if not text.is_final:
            self._move(text, account, MessageState.UNDELIVERED, Trouble.OFF)

    def switch_on(self, phone: Phone, accounts: dict[tuple[Speech, str], Account]) -> None:
        """Let a phone have what waited for it."""
        phone.is_off = False
        for text in phone.waiting:
            self._move(text, accounts[text.speech, text.account], MessageState.DELIVERED)
        self._book.touch()

    def give_up(self, phone: Phone, accounts: dict[tuple[Speech, str], Account]) -> None:
        """Let the network stop trying, as it does after hours."""
        for text in phone.waiting:
            account = accounts[text.speech, text.account]
            trouble = Trouble.GONE if phone.is_gone else Trouble.OFF
            self._move(text, account, MessageState.UNDELIVERED, trouble)

    def _move(
        self,
        text: Text,
        account: Account,
        state: MessageState,
        trouble: Trouble | None = None,
        *,
        after_s: float = 0.0,
    ) -> None:
        text.move(state, self._clock(), trouble)
        self._book.touch()
        what = f"{text.speech.value} receipt: {state.value}"
        request = webhooks.receipt(text, account)
        if request is None:
            self._caller.note_silence(what, _why_silent(text.callback_url or account.hook))
            return
        fault = self._faults.for_receipt()
        if fault is Fault.LOST_RECEIPT:
            self._caller.note_silence(what, "lost, as you wished")
            return
        late = LATE_S if fault is Fault.LATE_RECEIPT else 0.0
        for _ in range(2 if fault is Fault.DOUBLED_RECEIPT else 1):
            self.post(what, request, text.speech, after_s + late)

    def answer(self, phone: Phone, ours: str, body: str, account: Account) -> Text:
        """Send what a person typed to one of our numbers, and to the desk's hook."""
        text = self._book.add(
            at=self._clock(),
            speech=account.speech,
            account=account.id,
            phone=phone.number,
            ours=ours,
            body=body,
            size=measure(body),
            inbound=True,
            state=MessageState.DELIVERED,
        )
        what = f"{account.speech.value} text from a person"
        request = webhooks.inbound(text, account)
        if request is None:
            self._caller.note_silence(what, _why_silent(account.hook))
        else:
            self.post(what, request, account.speech)
        if account.speech is Speech.TWILIO:
            self._mind_keywords(phone, ours, body.strip().upper(), account)
        return text

    def _mind_keywords(self, phone: Phone, ours: str, word: str, account: Account) -> None:
        """Twilio keeps STOP and START by itself, and answers them and HELP itself."""
        services = {text.service for text in phone.texts if text.service and text.ours == ours}
        pairs = {(Speech.TWILIO, sender) for sender in (ours, *services)}
        if word in STOP_WORDS:
            phone.blocked |= pairs
            said = _STOPPED
        elif word in START_WORDS and pairs & phone.blocked:
            phone.blocked -= pairs
            said = _STARTED
        elif word in HELP_WORDS:
            said = _HELPED
        else:
            return
        self._book.add(
            at=self._clock(),
            speech=Speech.TWILIO,
            account=account.id,
            phone=phone.number,
            ours=ours,
            body=said,
            size=measure(said),
            state=MessageState.DELIVERED,
            note=_OWN_ANSWER,
        )

    def post(self, what: str, request: HttpRequest, speech: Speech, after_s: float = 0.0) -> None:
        """Call a hook, and again as the provider would."""
        self._agenda.add(after_s, partial(self._call, what, request, speech, AGAIN_S[speech]))

    async def _call(
        self, what: str, request: HttpRequest, speech: Speech, again_s: tuple[float, ...]
    ) -> None:
        status = await self._caller.call(what, request)
        self._book.touch()
        failed = status is None or (speech is Speech.EIGHT and not 200 <= status < 300)
        if failed and again_s:
            next_try = partial(self._call, what, request, speech, again_s[1:])
            self._agenda.add(again_s[0], next_try)


def _why_silent(hook: str) -> str:
    if hook:
        return "not called: the auth token that signs it is not known here"
    return "not called: no hook is known; set public_url, or say --notify"
