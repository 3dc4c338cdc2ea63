"""What `doctor` looks at, one finding after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from smsnotify.base.errors import ConfigError, SmsNotifyError
from smsnotify.cli.config import check_everything
from smsnotify.cli.desk import Desk
from smsnotify.cli.instants import ago
from smsnotify.engine.accounts import Account, groups_of
from smsnotify.engine.counting import standing
from smsnotify.engine.ticking import TICK_OVERDUE, TICKED
from smsnotify.model.decision import Mode
from smsnotify.model.rule import SMS
from smsnotify.plans.load import check_book
from smsnotify.rules.compile import RuleSet
from smsnotify.wiring import build
from smsnotify.wiring.link_check import check_links
from smsnotify.wiring.models import Settings
from smsnotify.wiring.plan_settings import check_plan_settings

REGISTERED_SENDERS: Final = ("SG",)
"""Countries where a sender that is a word must be registered before it may send."""


_MOST_COUNTED: Final = 100


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "warning", "error"]
    detail: str
    hint: str = ""
    exit_code: int = 0

    def as_json(self) -> dict[str, object]:
        """`{"type": "check", "name", "status", "detail", "hint"}`."""
        return {
            "type": "check",
            "name": self.name,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
        }


def examine(desk: Desk) -> Iterator[Finding]:
    """Look at settings, rules, accounts and the database; nothing is written or sent."""
    yield from _settings(desk)
    try:
        settings: Settings = desk.settings
    except ConfigError:
        return
    yield from _rules(desk, settings)
    yield from _accounts(settings)
    yield from _going_live(settings)
    yield from _books(desk, settings)


def _settings(desk: Desk) -> Iterator[Finding]:
    try:
        file, problems = check_everything(desk)
    except ConfigError as error:
        yield Finding("settings", "error", error.message, error.hint, 2)
        return
    for problem in problems:
        wrong = problem.severity == "error"
        told = f"{problem.place}: {problem.message}"
        yield Finding("settings", problem.severity, told, problem.hint, 2 if wrong else 0)
    if not any(problem.severity == "error" for problem in problems):
        told = str(file) if file else "no file; the built-in sandbox settings count"
        yield Finding("settings", "ok", told, "" if file else "sms-notify init writes one")


def _rules(desk: Desk, settings: Settings) -> Iterator[Finding]:
    book, problems = check_book(
        desk.rule_paths, country=settings.country, own_words=build.own_words(settings)
    )
    for problem in problems:
        wrong = problem.severity == "error"
        told = f"{problem.place}: {problem.message}" if problem.place else problem.message
        yield Finding("rules", problem.severity, told, problem.hint, 2 if wrong else 0)
    if book is None:
        return
    rules = book.rules
    for problem in check_links(book, settings.public_url):
        yield Finding("rules", "error", f"{problem.place}: {problem.message}", problem.hint, 2)
    if not rules.rules:
        hint = "enabled: true in the rule file switches one on"
        yield Finding("rules", "warning", f"all {len(rules.all)} are off", hint)
    else:
        yield Finding("rules", "ok", f"{len(rules.rules)} of {len(rules.all)} are on")
    routes = build.real_routes(settings)
    for route in sorted(rules.routes - set(routes)):
        yield Finding(
            "rules",
            "warning",
            f"a rule names the route {route!r}, which the settings do not have",
            f'texts take the default route until [routes] has {route} = ["…"]',
        )
    yield from _channels(settings, rules)
    yield from _conversations(settings, rules)
    for doubt in check_plan_settings(book.plans, settings):
        yield Finding("plans", "warning", f"{doubt.place}: {doubt.message}", doubt.hint)


def _channels(settings: Settings, rules: RuleSet) -> Iterator[Finding]:
    """A rule that mails or alarms needs an account of that channel on its route."""
    accounts, routes = build.real_accounts(settings), build.real_routes(settings)
    if not accounts:
        return
    for rule in rules.rules:
        for terms in (rule.terms, rule.mail.terms if rule.mail is not None else rule.terms):
            names = {name for stage in groups_of(routes, terms.route) for name in stage}
            if terms.channel == SMS or any(
                accounts[name].channel == terms.channel for name in names if name in accounts
            ):
                continue
            yield Finding(
                "rules",
                "warning",
                f"no account on the route {terms.route!r} is for {terms.channel}, and the rule "
                f"{terms.name!r} needs one: what it sends would wait",
                "name a route with such an account",
            )
            break


def _conversations(settings: Settings, rules: RuleSet) -> Iterator[Finding]:
    """A rule with a route of its own for replies needs senders that can hear them."""
    if "conversation" not in rules.routes:
        return
    accounts = build.real_accounts(settings)
    for stage in build.real_routes(settings).get("conversation", ()):
        for name in stage:
            account = accounts.get(name)
            if account is not None and _is_deaf(account):
                yield Finding(
                    "routes",
                    "warning",
                    f"the sender of {name!r} cannot receive replies, and conversation uses it",
                    "give the route an account whose sender is a number",
                )


def _accounts(settings: Settings) -> Iterator[Finding]:
    accounts = build.real_accounts(settings)
    if not accounts:
        word: Literal["ok", "warning"] = "ok"
        yield Finding("accounts", word, "none: only the sandbox, which sends nothing")
    for name, account in accounts.items():
        sender = _sender(account)
        told = f"{name}: {account.provider.title}, sender {sender or 'chosen by the provider'}"
        yield Finding("accounts", "ok", told, "sms-notify providers check tries the credentials")
        if sender and _is_deaf(account):
            yield Finding(
                "accounts",
                "warning",
                f"{name}: the sender {sender!r} is a word, so nobody can reply to it",
            )


def _going_live(settings: Settings) -> Iterator[Finding]:
    if settings.mode is not Mode.LIVE:
        yield Finding(
            "mode", "ok", f"{settings.mode.value}: no stranger is texted, whatever the rules say"
        )
        return
    yield Finding(
        "mode",
        "ok",
        "live: texts go to everyone whom the rules name",
        "switch the same notifications off in Detrack, or people get them twice",
    )
    home = build.policy(settings).countries
    for name, account in build.real_accounts(settings).items():
        for country in REGISTERED_SENDERS:
            sender = account.provider.sender_for(country)
            serves = (home is None or country in home) and account.serves(country, SMS)
            if serves and sender and not account.provider.can_receive(sender):
                yield Finding(
                    "accounts",
                    "warning",
                    f"{name}: in {country} the sender {sender!r} must be registered first",
                    "unregistered words arrive as “Likely-SCAM”, or not at all: ask your provider",
                )


def _books(desk: Desk, settings: Settings) -> Iterator[Finding]:
    try:
        store = desk.existing_store
        if store is None:
            yield Finding("database", "ok", "none yet; the first run makes it")
            return
        yield Finding("database", "ok", f"{store.place}, reachable and of our version")
        yield from _waiting(desk, settings, store)
        yield from _replies(settings, store)
        yield from _caps(desk, settings, store)
    except SmsNotifyError as error:
        yield Finding("database", "error", error.message, error.hint, error.exit_code)


def _caps(desk: Desk, settings: Settings, store: Any) -> Iterator[Finding]:
    """How much of each cap is used today; what is beyond one is worth a look."""
    for cap, used in standing(build.policy(settings), store, desk.clock()):
        told = f"{cap.name}: {cap.shown(used)} today"
        told += f" of {cap.shown(cap.hard)}" if cap.hard is not None else ""
        told += f" {settings.prices.currency}" if cap.of == "money" else ""
        if cap.hard is not None and used >= cap.hard:
            yield Finding("caps", "warning", told, "what is beyond it stops until midnight")
        elif cap.soft is not None and used > cap.soft:
            soft = f"; the soft cap is {cap.shown(cap.soft)}"
            yield Finding("caps", "warning", told + soft)
        else:
            yield Finding("caps", "ok", told)


def _replies(settings: Settings, store: Any) -> Iterator[Finding]:
    """A sender that can hear answers, and nobody ever told us one."""
    if settings.mode is Mode.SANDBOX:
        return
    heard = store.accounts_heard()
    hook_of = build.callback_url(settings)
    for name, account in build.real_accounts(settings).items():
        sender = _sender(account)
        hears = account.provider.capabilities.inbound and account.provider.can_receive(sender)
        if not hears or name in heard:
            continue
        where = hook_of("", name)
        yield Finding(
            "replies",
            "warning",
            f"{name}: people can answer {sender or 'its numbers'}, and no call about a text from "
            "a person has ever come: a STOP would not be heard",
            f"name {where} at the provider as the address for incoming texts"
            if where
            else "set public_url, run sms-notify serve, and name its hook at the provider",
        )


def _waiting(desk: Desk, settings: Settings, store: Any) -> Iterator[Finding]:
    paused = store.paused()
    if paused:
        what = "everything" if paused.everything else ", ".join(sorted(paused.accounts))
        hint = "sms-notify resume lets it go on"
        yield Finding("sending", "warning", f"paused: {what}", hint)
    states = store.stats(settings.mode.value).states
    ticked_at, now = store.get_watermark(TICKED), desk.clock()
    last = f"tick ran {ago(ticked_at, now)}" if ticked_at else "tick never ran"
    overdue = ticked_at is None or now - ticked_at > TICK_OVERDUE
    if states.get("held"):
        yield Finding(
            "held texts",
            "warning" if overdue else "ok",
            f"{states['held']} wait; {last}",
            "they leave only if `sms-notify serve` or, from cron, `sms-notify tick` runs"
            if overdue
            else "",
        )
    if states.get("queued"):
        yield Finding("queued texts", "ok", f"{states['queued']} wait for `sms-notify deliver`")
    yield from _people_waiting(store, settings)
    if states.get("unknown"):
        yield Finding(
            "unknown texts",
            "warning",
            f"{states['unknown']} are maybe sent: the provider's answer was lost",
            "sms-notify outbox list --state unknown",
        )


def _people_waiting(store: Any, settings: Settings) -> Iterator[Finding]:
    """Replies that nobody has read, and what plans could not do."""
    from smsnotify.store.replies import WantedReplies

    for state, told in (("inbox", "wait in the inbox"), ("doubtful", "may be opt-outs")):
        found = store.list_replies(WantedReplies(states=frozenset({state})), _MOST_COUNTED)
        if found:
            count = f"{len(found)}{' or more' if len(found) == _MOST_COUNTED else ''}"
            yield Finding("replies", "warning", f"{count} {told}", "sms-notify replies list")
    failed = store.list_errands(settings.mode.value, ["failed"], _MOST_COUNTED)
    if failed:
        newest = failed[0]
        told = f"{len(failed)} could not be done; the newest, {newest.kind}: {newest.error}"
        yield Finding("errands of plans", "warning", told)
    due = store.list_errands(settings.mode.value, ["due"], _MOST_COUNTED)
    if again := [one for one in due if one.error]:
        newest = again[0]
        told = f"{len(again)} will be tried again; the newest, {newest.kind}: {newest.error}"
        yield Finding("errands of plans", "warning", told)


def _is_deaf(account: Account) -> bool:
    """Say whether texts from an account cannot be answered; of mails nobody expects it."""
    return account.channel == SMS and not account.provider.can_receive(_sender(account))


def _sender(account: Account) -> str:
    settings = account.provider.settings
    return settings.sender or next(iter(settings.senders.values()), "")
