"""Rules whose texts lead to a page need an address that the world can reach."""

from __future__ import annotations

from collections.abc import Iterator

from smsnotify.model.problem import Problem
from smsnotify.rules.compile import RuleSet


def check_links(rules: RuleSet, public_url: str) -> Iterator[Problem]:
    """Give an error for each enabled rule with an opt-out link, where there is no public address.

    Its texts would stop with `missing_value`.
    """
    if public_url:
        return
    for rule in rules.rules:
        if rule.terms.has_opt_out_link:
            yield Problem(
                file=rule.file,
                line=rule.line,
                column=1,
                code="no_public_url",
                message=f"the rule {rule.terms.name!r} has {{{{ opt_out_link }}}}, and the "
                "settings have no public_url: the link would lead nowhere",
                hint='public_url = "https://notify.example.com" in the settings',
            )
