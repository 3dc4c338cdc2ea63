"""The questions of `init`, asked until the answer can be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from smsnotify.cli import show
from smsnotify.wiring import values
from smsnotify.wiring.start import Answers, account_questions, default_zone

NONE = "none"


def ask_all(given: Answers) -> Answers:
    """Ask for everything that was not given as an option and return all of it."""
    show.say("Settings for sms-notify. Enter takes the value in brackets.", "bold")
    mode = given.mode or show.ask(
        "How real? sandbox records, test texts only your own numbers, live texts everyone",
        default="sandbox",
        choices=("sandbox", "test", "live"),
    )
    country = given.country or _ask("Your country, two letters", values.country, "SG")
    now = datetime.now(UTC)
    zone = given.timezone or _ask("Your time zone", values.zone, default_zone(country, now))
    provider = given.provider or _ask_provider(mode)
    account = dict(given.account)
    sender = given.sender
    if provider:
        account |= _ask_account(provider, account)
        sender = sender or show.ask("The number or word that texts come from (may be empty)")
    test_to = given.test_to
    if not test_to and mode != "sandbox":
        test_to = _ask("Your own mobile number for test texts, with + and country code", _number)
    return Answers(
        mode=mode,
        country=country,
        timezone=zone,
        provider=provider,
        sender=sender,
        test_to=test_to,
        account=account,
    )


def _ask(question: str, read: Callable[[object], str], default: str = "") -> str:
    while True:
        try:
            return read(show.ask(question, default=default))
        except ValueError as error:
            show.err().print(f"  {error}", markup=False)


def _number(written: object) -> str:
    number = values.number(written)
    if not number:
        raise ValueError("test and live need one")
    return number


def _ask_provider(mode: str) -> str:
    from smsnotify.providers.registry import provider_names

    names = [name for name in provider_names() if name != "sandbox"]
    choices = (*names, NONE) if mode == "sandbox" else tuple(names)
    default = NONE if mode == "sandbox" else names[0]
    chosen = show.ask("Who sends the texts", default=default, choices=choices)
    return "" if chosen == NONE else chosen


def _ask_account(provider: str, given: dict[str, str]) -> dict[str, str]:
    answers = {}
    for question in account_questions(provider):
        if question.key in given:
            continue
        if question.is_secret:
            answers[question.key] = show.ask(
                f"{question.key} is a secret: the environment variable, or file:PATH, to read it",
                default=question.default,
            )
        else:
            while not (answer := show.ask(question.key, default=question.default)):
                show.err().print("  this one is needed")
            answers[question.key] = answer
    return answers
