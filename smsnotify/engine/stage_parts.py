"""What a stage is made of: a store that notes, an account that sends nothing, routes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision, Mode
from smsnotify.model.facts import Policy, unknown_senders
from smsnotify.model.message import OutboundMessage, Outcome, Receipt
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.store.batch import Batch
from smsnotify.store.conversation_batch import ConversationBatch
from smsnotify.store.store import Store
from smsnotify.text.phone import country_of
from smsnotify.text.zones import zone_of_country

ACCOUNT: Final = "sandbox"
CUSTOMER: Final = "+6591230001"

_MONDAY: Final = datetime(2026, 3, 2, 12, 0)  # noqa: DTZ001 -- noon on the wall, wherever


def noon(number: str, timezone: str) -> datetime:
    """Return noon of a Monday where a number is at home."""
    country = country_of(number)
    winter = _MONDAY.replace(tzinfo=UTC)
    zone = known_zone(zone_of_country(country, winter)) or known_zone(timezone)
    return _MONDAY.replace(tzinfo=zone or UTC).astimezone(UTC)


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of something that happened.

    `decisions` are all that were made, in order; `emitted` events, `actions` and `calls` of
    errands; `read_as` what the customer's text was taken for.
    """

    decisions: tuple[Decision, ...] = ()
    emitted: tuple[str, ...] = ()
    actions: tuple[Mapping[str, Any], ...] = ()
    calls: tuple[str, ...] = ()
    read_as: str = ""


class NotingStore(Store):
    """A store that remembers what was decided, in order."""

    decided: list[Decision]

    def save(self, batch: Batch) -> Any:
        """Save, then note the decisions of rules."""
        lost = super().save(batch)
        self.decided += batch.decisions
        return lost

    def keep_conversation(self, batch: ConversationBatch, now: datetime) -> Any:
        """Keep, then note the decisions of conversations."""
        lost = super().keep_conversation(batch, now)
        self.decided += batch.decisions
        return lost


class StageAccount(Sandbox):
    """The sandbox's account, whose receipts come later."""

    def __init__(self) -> None:
        """Nothing was sent yet; of `mails` nobody says that they were delivered."""
        super().__init__(SandboxSettings())
        self.on_the_way: list[str] = []
        self.mails: set[str] = set()

    def send(self, messages: Sequence[OutboundMessage]) -> list[Outcome]:
        """Take everything."""
        outcomes = super().send(messages)
        self.on_the_way += [outcome.provider_message_id for outcome in outcomes]
        for message, outcome in zip(messages, outcomes, strict=True):
            if message.title:
                self.mails.add(outcome.provider_message_id)
        return outcomes

    def receipts_for(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Say nothing yet."""
        return []


class Anywhere(dict[str, tuple[tuple[str, ...], ...]]):
    """Every route leads to the one account."""

    def __missing__(self, name: str) -> tuple[tuple[str, ...], ...]:
        return ((ACCOUNT,),)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the way, whatever the route is called."""
        return self[name]

    def __contains__(self, name: object) -> bool:
        return True


def on_stage(policy: Policy, number: str) -> Policy:
    """Return the policy of a rehearsal: nobody outside is concerned, the rest holds."""
    countries = policy.countries
    if countries is not None and number == CUSTOMER:
        countries |= {country_of(CUSTOMER)}
    return msgspec.structs.replace(
        policy, mode=Mode.SANDBOX, test_to="", senders=unknown_senders, countries=countries
    )


def together(cames: Sequence[Came]) -> Came:
    return Came(
        decisions=tuple(one for came in cames for one in came.decisions),
        emitted=tuple(one for came in cames for one in came.emitted),
        actions=tuple(one for came in cames for one in came.actions),
        calls=tuple(one for came in cames for one in came.calls),
    )
