"""Whether a test names rules and plans that there are: one that names others can never pass."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from smsnotify.plans.book import Book
from smsnotify.plans.case_keys import CaseKeys, CaseStepKeys
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean

_OUR_OWN: Final = ("start", "stop", "help", "choice")
"""What stands in a rule's place where the desk itself answers: a consent word, an answer that fits
two questions."""


class CaseNames:
    """The names that tests of some rule files may use."""

    def __init__(self, book: Book) -> None:
        """Take the names of all rules and plans, of those that are off too."""
        self._rules = [rule.terms.name for rule in book.rules.all]
        self._plans = [plan.name for plan in book.plans.all]

    def check_head(self, keys: CaseKeys, report: Reporter, path: Path) -> None:
        """Report rules of `already_sent` and `silences` that there are not."""
        named = {
            "already_sent": [sent.rule for sent in keys.already_sent],
            "silences": [silent.rule for silent in keys.silences],
        }
        for key, rules in named.items():
            for number, rule in enumerate(rules):
                _check(rule, "rule", self._rules, report, (*path, key, number, "rule"))

    def check_step(self, step: CaseStepKeys, report: Reporter, path: Path, *, listed: bool) -> None:
        """Report a plan to enrol in, and rules of expected texts, that there are not.

        `listed`: what is expected is written as a list, not as one text alone.
        """
        _check(step.enrol, "plan", self._plans, report, (*path, "enrol"))
        speak = [*self._rules, *self._plans, *_OUR_OWN]
        for number, expected in enumerate(step.expect):
            place = (number, "rule") if listed else ("rule",)
            _check(expected.rule, "rule", speak, report, (*path, "expect", *place))


def _check(
    name: str | None, what: str, known: Collection[str], report: Reporter, path: Path
) -> None:
    if name and name not in known:
        hint = did_you_mean(name, known) or f"sms-notify {what}s list shows them all"
        report.error(path, f"unknown_{what}", f"there is no {what} {name!r}", hint)
