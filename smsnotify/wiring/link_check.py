"""Rules whose texts lead to a page need an address that the world can reach."""

from __future__ import annotations

from collections.abc import Iterator

from smsnotify.model.problem import Problem
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.plans.book import Book


def check_links(book: Book, public_url: str) -> Iterator[Problem]:
    """Give an error for each rule and plan with an opt-out link, where there is no public address.

    Only for those that are on. Their texts would stop with `missing_value`.
    """
    if public_url:
        return
    for rule in book.rules.rules:
        if rule.terms.has_opt_out_link:
            yield _leads_nowhere(rule.file, rule.line, f"the rule {rule.terms.name!r}")
    for plan in book.plans.enabled:
        if OPT_OUT_LINK in plan.reads:
            yield _leads_nowhere(plan.file, plan.line, f"the plan {plan.name!r}")


def _leads_nowhere(file: str, line: int, what: str) -> Problem:
    return Problem(
        file=file,
        line=line,
        column=1,
        code="no_public_url",
        message=f"{what} has {{{{ opt_out_link }}}}, and the settings have no public_url: the link "
        "would lead nowhere",
        hint='public_url = "https://notify.example.com" in the settings',
    )
