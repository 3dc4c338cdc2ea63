"""Makes a step out of its keys, and says everything that is wrong with what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from smsnotify.model.contact import CONTACT_FIELDS
from smsnotify.model.plan import (
    RECEIPT_EVENTS,
    Branch,
    Choice,
    Delay,
    Listen,
    Match,
    Other,
    Outcome,
    Step,
    Wait,
    Words,
)
from smsnotify.model.rule import EMAIL
from smsnotify.plans.keywords import check_keywords
from smsnotify.plans.read import StepDraft
from smsnotify.plans.schema import ChoiceKeys, OtherKeys, StepKeys
from smsnotify.plans.scope import Scope, shown
from smsnotify.rules.problems import Path
from smsnotify.rules.wordings import all_in_one, check_same_languages
from smsnotify.rules.yaml_nodes import MapNode, find
from smsnotify.text.markdown import escape_markdown
from smsnotify.text.template_namespaces import is_name
from smsnotify.text.template_values import as_number

WAYS_ON: Final = ("wait", "listen", "delay", "decide", "move_to", "end")
"""Keys that say how a step goes on: one of them at the most."""

_ENDED_BY: Final = ("wait", "listen", "decide", "move_to", "end")
"""Those among them that leave nothing for `then` to say."""

_SETTABLE: Final = ("first_name",)
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_FLAGS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

Value = Words | str | int | float | bool


def build_step(draft: StepDraft, scope: Scope) -> Step:
    """Check what a step's keys mean and compile them; problems go to the scope's report."""
    keys, path, report = draft.keys, draft.path, scope.report
    _check_ways_on(keys, scope, path)
    if keys.value is not None and not keys.goal:
        report.error(
            (*path, "value"), "missing_key", "value goes with a goal", "goal: sale", key=True
        )
    emit = _emit(keys, scope, path)
    if keys.webhook:
        _check_address(keys.webhook, scope, (*path, "webhook"))
    _check_channel(keys, scope, path)
    return Step(
        name=draft.name,
        line=report.place(path)[0],
        set=_facets(keys.set, scope, (*path, "set")),
        tag=tuple(dict.fromkeys(keys.tag)),
        goal=keys.goal or "",
        value=keys.value,
        emit=emit,
        action=_action(keys.action, scope, (*path, "action")),
        webhook=keys.webhook or "",
        alert=scope.text(keys.alert, (*path, "alert")) if keys.alert else None,
        alert_source=keys.alert or "",
        send=_send(keys, scope, path),
        send_source=all_in_one(keys.send),
        channel=keys.channel,
        title=_title(keys, scope, path),
        title_source=all_in_one(keys.subject),
        start_plan=keys.start_plan or "",
        route=keys.route or "",
        wait=_wait(keys, scope, path),
        listen=_listen(draft, scope),
        delay=_delay(keys, scope, path),
        decide=_decide(keys.decide, scope, (*path, "decide")) if keys.decide else (),
        move_to=keys.move_to or "",
        end=Outcome(keys.end) if keys.end else None,
        then=scope.target(keys.then, (*path, "then")) if keys.then else "",
    )


def _check_ways_on(keys: StepKeys, scope: Scope, path: Path) -> None:
    """Check that a step goes on in one way only."""
    used = [key for key in WAYS_ON if key in keys.model_fields_set]
    for key in used[1:]:
        scope.report.error(
            (*path, key),
            "two_ways_on",
            f"the step goes on with {used[0]} already, and with {key} too",
            "make two steps of it",
            key=True,
        )
    if keys.then and any(key in used for key in _ENDED_BY):
        key = next(key for key in used if key in _ENDED_BY)
        scope.report.error(
            (*path, "then"),
            "two_ways_on",
            f"then says nothing beside {key}, which leads on by itself",
            "take it out",
            key=True,
        )
    if keys.route and not (keys.send or (keys.wait and keys.wait.other and keys.wait.other.send)):
        scope.report.warn(
            (*path, "route"), "no_effect", "route changes nothing: the step sends no text", key=True
        )
    if "decide" in keys.model_fields_set and not keys.decide:
        scope.report.error(
            (*path, "decide"),
            "missing_key",
            "decide has no lines",
            "decide: [{if: {contact.tier: gold}, then: STEP}, {else: STEP}]",
        )


def _check_channel(keys: StepKeys, scope: Scope, path: Path) -> None:
    """Look at what makes a mail of a text, and at what is left of it."""
    report, is_mail = scope.report, keys.channel == EMAIL
    if is_mail and keys.send and keys.subject is None:
        report.error(
            path,
            "missing_key",
            "the step mails and needs the key 'subject'",
            'subject: "Your order {{ do_number }}"',
        )
    if keys.subject is not None and not is_mail:
        report.error(
            (*path, "subject"),
            "subject_without_email",
            "a text has no subject line, and this step does not mail",
            "channel: email, or take subject out",
            key=True,
        )
    if is_mail and not keys.send:
        report.error(
            (*path, "channel"),
            "missing_key",
            "the step mails nothing: it has no send",
            'send: "Your order **{{ do_number }}** has arrived."',
            key=True,
        )


def _send(keys: StepKeys, scope: Scope, path: Path) -> Words | None:
    if not keys.send:
        return None
    escape = escape_markdown if keys.channel == EMAIL else None
    return scope.text(keys.send, (*path, "send"), to_person=True, escape=escape)


def _title(keys: StepKeys, scope: Scope, path: Path) -> Words | None:
    if not keys.subject:
        return None
    at = (*path, "subject")
    if isinstance(keys.subject, dict) and isinstance(keys.send, dict):
        check_same_languages(keys.subject, tuple(keys.send), scope.report, at, "send")
    return scope.text(keys.subject, at, sent=False)


def _emit(keys: StepKeys, scope: Scope, path: Path) -> str:
    """Return the event that a step makes: its own, or the goal, where that is an event's name."""
    emit, goal = keys.emit or "", keys.goal or ""
    if emit and emit not in scope.words.events:
        scope.unknown_event(emit, (*path, "emit"))
    if goal in scope.words.events:
        if emit and emit != goal:
            scope.report.error(
                (*path, "emit"),
                "two_events",
                f"the goal {goal!r} is an event too, and a step makes one event",
                "make two steps of it",
                key=True,
            )
        emit = goal
    if emit:
        scope.events.add(emit)
    return emit


def _facets(written: Mapping[str, str], scope: Scope, path: Path) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for name, value in written.items():
        at = (*path, name)
        if not is_name(name):
            scope.report.error(
                at,
                "bad_name",
                f"{name!r} cannot name a facet",
                "lower-case letters, digits and _, beginning with a letter",
                key=True,
            )
        elif name in CONTACT_FIELDS and name not in _SETTABLE:
            scope.report.error(
                at,
                "bad_name",
                f"{name!r} of a contact cannot be set by a plan",
                "tag: [x] gives tags" if name == "tags" else "set a facet of another name",
                key=True,
            )
        else:
            found = _facet(name, value, scope, at)
            if found is not None:
                made[name] = found
    return made


def _facet(name: str, written: str, scope: Scope, path: Path) -> Value | None:
    """Return a facet's value as its kind in `custom_fields` says, or the text that makes it."""
    if "{{" in written or "{%" in written:
        return scope.text(written, path, sent=False)
    kind = scope.words.custom.get(name, "text")
    if kind == "number":
        number = as_number(written)
        if number is None:
            scope.report.error(path, "bad_value", f"set.{name}: {written!r} is no number")
            return None
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "flag":
        flag = _FLAGS.get(written.strip().lower())
        if flag is None:
            scope.report.error(
                path, "bad_value", f"set.{name}: {written!r} is neither true nor false"
            )
        return flag
    return written


def _action(written: Mapping[str, str], scope: Scope, path: Path) -> dict[str, Words]:
    made = {key: scope.text(text, (*path, key), sent=False) for key, text in written.items()}
    return {key: text for key, text in made.items() if text is not None}


def _check_address(written: str, scope: Scope, path: Path) -> None:
    try:
        parts = urlsplit(written)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or "{" in written or " " in written:
        scope.report.error(
            path, "bad_value", f"webhook: {written!r} is no address", "https://erp.example.com/hook"
        )
    elif parts.username or parts.password:
        scope.report.error(
            path,
            "bad_value",
            "webhook: an address with a password in it would be shown in lists",
            "calls are signed; take user and password out",
        )
    elif parts.scheme == "http" and host not in _LOCAL:
        scope.report.warn(path, "not_https", "webhook: what is sent there travels unencrypted")


def _wait(keys: StepKeys, scope: Scope, path: Path) -> Wait | None:
    wait, at = keys.wait, (*path, "wait")
    if wait is None:
        return None
    if wait.lasting is None:
        return None  # said already; every wait has its time
    match = Match(wait.match)
    check_keywords(list(wait.replies), match, scope.report, (*at, "replies"))
    branches = tuple(
        Branch(key, scope.target(target, (*at, "replies", key)))
        for key, target in wait.replies.items()
    )
    if not branches and wait.other is None:
        scope.report.error(
            at,
            "missing_key",
            "the wait knows no answer: it has neither replies nor other",
            "replies: {YES: STEP}, or other: STEP for any text; a delay waits for none",
        )
    return Wait(
        lasting=wait.lasting,
        branches=branches,
        match=match,
        other=_other(wait.other, scope, (*at, "other")) if wait.other else None,
        no_reply=scope.target(wait.no_reply, (*at, "no_reply")),
        not_delivered=scope.target(wait.not_delivered, (*at, "not_delivered")),
    )


def _other(keys: OtherKeys, scope: Scope, path: Path) -> Other | str:
    scope.target(keys.then, (*path, "then"))
    if keys.send is None:
        if "times" in keys.model_fields_set:
            scope.report.error(
                (*path, "times"),
                "missing_key",
                "times goes with send",
                'other: {send: "Please reply YES.", times: 2, then: end}',
                key=True,
            )
        return keys.then
    words = scope.text(keys.send, (*path, "send"), to_person=True)
    return Other(send=words, times=keys.times, then=keys.then, source=all_in_one(keys.send))


def _listen(draft: StepDraft, scope: Scope) -> Listen | None:
    keys, at = draft.keys.listen, (*draft.path, "listen")
    if keys is None or keys.lasting is None:
        return None
    if not keys.events:
        scope.report.error(at, "missing_key", "listen hears no event", "events: [completed]")
    return Listen(
        events=scope.heard(keys.events, (*at, "events"), receipts=RECEIPT_EVENTS),
        lasting=keys.lasting,
        then=scope.target(keys.then, (*at, "then")) if keys.then else scope.after(draft.name),
        otherwise=scope.target(keys.otherwise, (*at, "else")),
    )


def _delay(keys: StepKeys, scope: Scope, path: Path) -> Delay | None:
    delay, at = keys.delay, (*path, "delay")
    if delay is None:
        return None
    written = find(scope.report.root, at)
    asked = len(written.values) if isinstance(written, MapNode) else 0
    if asked != 1:
        told = "delay has for and until" if asked else "delay needs for or until"
        scope.report.error(at, "missing_key", told, 'for: 2d, or until: "09:00"')
    return Delay(lasting=delay.lasting, until=delay.until, then=keys.then or "")


def _decide(lines: list[ChoiceKeys], scope: Scope, path: Path) -> tuple[Choice, ...]:
    made = []
    for index, line in enumerate(lines):
        at, last = (*path, index), index == len(lines) - 1
        if line.otherwise:
            if line.where is not None or line.then or not last:
                scope.report.error(
                    (*at, "else"),
                    "bad_else",
                    "else stands alone in the last line of a decision",
                    "[{if: {…}, then: STEP}, {else: STEP}]",
                    key=True,
                )
            made.append(Choice(scope.target(line.otherwise, (*at, "else"))))
            continue
        if not line.where or not line.then:
            scope.report.error(
                at,
                "missing_key",
                "a line of a decision needs if and then",
                "{if: {contact.tier: gold}, then: STEP}",
            )
            continue
        if last:
            scope.report.error(
                at,
                "missing_key",
                "the decision leads nowhere when no line holds",
                "add {else: STEP} as its last line",
            )
        asked = scope.conditions(line.where, (*at, "if"))
        made.append(
            Choice(
                scope.target(line.then, (*at, "then")),
                tuple(each.test for each in asked),
                tuple(f"{shown(each.field)} {each.describe()}" for each in asked),
            )
        )
    return tuple(made)
