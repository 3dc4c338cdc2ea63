"""Whether the settings have what plans need: senders that hear answers, staff, a secret."""

from __future__ import annotations

from collections.abc import Iterator

from smsnotify.engine.accounts import DEFAULT_ROUTE, Account, Routes
from smsnotify.model.plan import Plan, Step
from smsnotify.model.problem import Problem
from smsnotify.model.rule import SMS
from smsnotify.plans.book import PlanSet
from smsnotify.wiring.build import real_accounts, real_routes
from smsnotify.wiring.models import Settings

CONVERSATION = "conversation"
"""The route that plans take by themselves, where the settings have it."""


def check_plan_settings(plans: PlanSet, settings: Settings) -> list[Problem]:
    """Return the doubts about the plans that are on, beside these settings.

    A step that waits for a reply needs senders that can receive, an alert somebody to get it, a
    webhook the secret that signs it; a route that the settings do not have is named too.
    """
    if not plans.enabled:
        return []
    accounts, routes = real_accounts(settings), real_routes(settings)
    deaf = {name for name, account in accounts.items() if _is_deaf(account)}
    return [
        problem
        for plan in plans.enabled
        for step in plan.steps.values()
        for problem in (
            *_look_at(plan, step, routes, deaf, accounts),
            *_errands(plan, step, settings),
        )
    ]


def route_of(plan: Plan, step: Step, routes: Routes) -> str:
    """Return the route that a step's texts take."""
    usual = CONVERSATION if CONVERSATION in routes and step.channel == SMS else DEFAULT_ROUTE
    return step.route or plan.route or usual


def _is_deaf(account: Account) -> bool:
    settings = account.provider.settings
    sender = settings.sender or next(iter(settings.senders.values()), "")
    return bool(sender) and not account.provider.can_receive(sender)


def _look_at(
    plan: Plan, step: Step, routes: Routes, deaf: set[str], accounts: dict[str, Account]
) -> Iterator[Problem]:
    route = route_of(plan, step, routes)
    if (step.route or plan.route) and route not in routes and accounts:
        yield _doubt(
            plan,
            step,
            "unknown_route",
            f"the step {step.name!r} names the route {route!r}, which the settings do not have",
            f'texts take the default route until [routes] has {route} = ["…"]',
        )
        return
    if step.channel != SMS:
        yield from _mails(plan, step, route, routes, accounts)
        return
    if step.wait is None:
        return
    for name in dict.fromkeys(name for stage in routes.get(route, ()) for name in stage):
        if name in deaf:
            yield _doubt(
                plan,
                step,
                "cannot_receive",
                f"the step {step.name!r} waits for a reply, and the sender of {name!r} on the "
                f"route {route!r} cannot receive any",
                "give the route accounts whose sender is a number",
            )


def _mails(
    plan: Plan, step: Step, route: str, routes: Routes, accounts: dict[str, Account]
) -> Iterator[Problem]:
    names = [name for stage in routes.get(route, ()) for name in stage]
    if accounts and not any(
        accounts[name].channel == step.channel for name in names if name in accounts
    ):
        yield _doubt(
            plan,
            step,
            "no_mail_account",
            f"the step {step.name!r} mails, and no account on the route {route!r} is for email",
            'give the route an account with provider = "smtp"',
        )


def _errands(plan: Plan, step: Step, settings: Settings) -> Iterator[Problem]:
    if step.alert_source and not settings.staff:
        told = f"the step {step.name!r} alerts staff, and `staff` in the settings is empty"
        yield _doubt(plan, step, "no_staff", told, 'staff = ["+65…"]')
    if step.webhook and settings.conversation.webhook_secret is None:
        told = f"the step {step.name!r} calls a webhook, and there is no secret to sign it with"
        yield _doubt(plan, step, "no_secret", told, "[conversation] webhook_secret")


def _doubt(plan: Plan, step: Step, code: str, message: str, hint: str) -> Problem:
    return Problem(
        severity="warning",
        file=plan.file,
        line=step.line,
        column=1,
        code=code,
        message=f"plan {plan.name!r}: {message}",
        hint=hint,
    )
