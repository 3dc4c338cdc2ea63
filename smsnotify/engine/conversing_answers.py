"""What we say ourselves: after STOP, START and HELP, and when an answer fits two questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from smsnotify.model.enrolment import Enrolment
from smsnotify.model.plan import Plan

CHOICE: Final = "choice"

USUAL_ANSWERS: Final[Mapping[str, str]] = {
    "stop": "You will get no more texts from us. Reply START to get them again.",
    "start": "You will get our texts again. Reply STOP to end them, HELP for help.",
    "help": "Reply STOP to get no more texts from us. Any other question: our people read it here.",
    CHOICE: "Which one do you mean? Reply",
}
"""Never an offer; the settings may say it in the firm's own words."""


def answer_to(word: str, answers: Mapping[str, str]) -> str:
    """Return the answer to STOP, START or HELP, `''` for none."""
    return answers.get(word, USUAL_ANSWERS[word])


def which_one(options: Sequence[tuple[Enrolment, Plan]], answers: Mapping[str, str]) -> str:
    """Return the question which of several open ones an answer was meant for, numbered."""
    listed = ", ".join(
        f"{number} for {enrolment.job or plan.name}"
        for number, (enrolment, plan) in enumerate(options, 1)
    )
    return f"{answers.get(CHOICE) or USUAL_ANSWERS[CHOICE]} {listed}."
