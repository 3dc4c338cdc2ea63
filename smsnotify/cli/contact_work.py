"""The work of `contacts`: reading who is meant, bringing people in, changing and forgetting one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from smsnotify.base.errors import RuleFileError, UsageError
from smsnotify.cli import show
from smsnotify.cli.acting import audited
from smsnotify.cli.contact_export import whole
from smsnotify.cli.contact_file import (
    Reading,
    read_people,
)
from smsnotify.cli.desk import Desk
from smsnotify.engine.auditing import nickname
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import CONTACT_FIELDS, Facet
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.job import Kind
from smsnotify.rules.facets import read_facet
from smsnotify.store.conversation_batch import ContactChange
from smsnotify.store.people_batch import BROUGHT, BroughtPerson
from smsnotify.store.people_books import KnownPerson
from smsnotify.text.address import read_address
from smsnotify.text.phone import read_number
from smsnotify.text.template_namespaces import is_name
from smsnotify.wiring import values

_BITE: Final = 500
_CLASH: Final = "its addresses belong to several people"
T = TypeVar("T")


def read_numbers(desk: Desk, written: Sequence[str]) -> list[str]:
    """Return mobile numbers in E.164.

    Raises:
        UsageError: one of them is none.
    """
    numbers = []
    for one in written:
        read = read_number(one, "", desk.country)
        if read.reason:
            raise UsageError(
                f"{one!r} is no mobile number ({read.reason})",
                hint="write it with + and the country code",
            )
        numbers.append(read.e164)
    return numbers


def read_who(desk: Desk, written: str) -> str:
    """Return a number in E.164 or an email address.

    Raises:
        UsageError: it is neither.
    """
    try:
        return read_address(written, desk.country)
    except ValueError as error:
        raise UsageError(
            f"{written!r} is neither a mobile number nor an email address ({error})",
            hint="write numbers with + and the country code",
        ) from None


def read_scope(desk: Desk, written: str) -> str:
    """Return the scope of a consent.

    Raises:
        UsageError: it is none.
    """
    word = written.strip()
    if word == EVERYTHING:
        return EVERYTHING
    if word in ("marketing", MARKETING):
        return MARKETING
    space, _, sender = word.partition(":")
    if space == "sender" and sender:
        return f"sender:{sender}"
    raise UsageError(f"--scope {written!r} is none", hint="all, marketing, or sender:NUMBER")


def refuse_undoing(desk: Desk, numbers: Sequence[str], scope: str, note: str) -> None:
    """Let nobody's own opt-out be undone without a word of how they took it back.

    Raises:
        UsageError: somebody opted out in their own words, and there is no note.
    """
    if note:
        return
    if scope == MARKETING:
        raise UsageError(
            "an opt-in to marketing needs its evidence", hint='--note "form of 2 March, signed"'
        )
    for number, standing in desk.store.standings(numbers).items():
        out = standing.general
        if out is not None and out.opted_out and out.source not in BROUGHT:
            raise UsageError(
                f"{number} opted out on {out.at:%Y-%m-%d} ({out.source}): only they can undo it",
                hint="they text START; or --note says how else they asked for texts again",
            )


def kinds_of(desk: Desk) -> Mapping[str, Kind]:
    """Return the kinds of facets as `custom_fields` say; none when the rules cannot be read."""
    try:
        kinds: Mapping[str, Kind] = desk.rules.custom_fields
    except RuleFileError:
        return {}
    return kinds


# Bringing in.


def bring_in(desk: Desk, file: str, *, opted_out: bool | None, note: str) -> bool:
    """Import a file; say whether a row was rejected."""
    now = desk.clock()
    by = Reading(desk.country, kinds_of(desk), now, opted_out, note)
    people = read_people(file, by)
    rejected = list(people.rejected)
    made = changed = consents = 0
    stay_out: list[str] = []
    with audited(desk, "contact.import", Path(file).name) as trail:
        for bite in _bites(people.rows):
            kept = desk.store.keep_people(bite, now)
            made, changed = made + kept.made, changed + kept.changed
            consents += kept.consents
            stay_out += kept.stay_out
            if kept.opted_out:
                carry_out(desk.store, kept.opted_out, now, is_noted=True)
            rejected += [
                (place, "its addresses belong to several people") for place in kept.clashing
            ]
        trail.came_to(f"{made} made, {changed} changed, {consents} consents")
    for line, reason in sorted(rejected):
        if desk.json:
            show.emit_json({"type": "rejected", "source": file, "line": line, "reason": reason})
        else:
            desk.note(f"{file}:{line}: rejected, {reason}")
    for number in stay_out:
        desk.warn(f"{number} stays opted out: they said so themselves, and text START to undo it")
    told = {
        "contacts": made + changed,
        "made": made,
        "changed": changed,
        "consents": consents,
        "stay_out": len(stay_out),
        "rejected": len(rejected),
    }
    if desk.json:
        show.emit_json({"type": "import", **told})
    else:
        show.say(
            f"{made + changed} contacts ({made} new), {consents} consents, "
            f"{len(rejected)} rows rejected"
        )
    return bool(rejected)


def _bites(items: Sequence[T]) -> Iterator[list[T]]:
    left = iter(items)
    while bite := list(islice(left, _BITE)):
        yield bite


# One person.


def set_person(
    desk: Desk,
    who: str,
    facets: Sequence[str],
    given: Mapping[str, str | None],
    tags: Sequence[str],
    untags: Sequence[str],
    email: str,
) -> None:
    """Change what is known of a person, made when there is none."""
    address = read_who(desk, who)
    addresses = (address, read_who(desk, email)) if email else (address,)
    if given["time_zone"]:
        try:
            values.zone(given["time_zone"])
        except ValueError as error:
            raise UsageError(str(error)) from None
    changes = dict(_read_facets(facets, kinds_of(desk)))
    now = desk.clock()
    with audited(desk, "contact.set", nickname(desk.store, address)):
        kept = desk.store.keep_people(
            [
                BroughtPerson(
                    addresses=addresses,
                    tags=frozenset(one.strip() for one in tags if one.strip()),
                    facets=changes,
                    name=given["name"],
                    language=given["language"],
                    time_zone=given["time_zone"],
                )
            ],
            now,
        )
    if kept.clashing:
        raise UsageError(f"{email} is another person's", hint="sms-notify contacts show says whose")
    contact = desk.store.contacts_of([address])[address]
    if untags:
        gone = ContactChange(contact_id=contact.id, untagged=frozenset(untags))
        desk.store.change_contacts([gone], now)
        contact = desk.store.contacts_of([address])[address]
    if desk.json:
        show.emit_json(whole(KnownPerson(contact, desk.store.standings(contact.addresses))))
    else:
        show.say(f"{address}: {'made' if kept.made else 'changed'}")


def _read_facets(
    written: Sequence[str], kinds: Mapping[str, Kind]
) -> Iterator[tuple[str, Facet | None]]:
    for one in written:
        name, equals, value = one.partition("=")
        name = name.strip()
        if not equals or not is_name(name) or name in CONTACT_FIELDS:
            raise UsageError(
                f"{one!r} sets no facet",
                hint="NAME=VALUE, with a name of lower-case letters, digits and _",
            )
        try:
            yield name, read_facet(value, kinds.get(name, "text")) if value.strip() else None
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None


def forget_person(desk: Desk, who: str, *, sure: bool) -> None:
    """Erase a person, after a question where somebody can answer it."""
    address = read_who(desk, who)
    if not sure:
        if not show.can_ask():
            raise UsageError("forgetting cannot be undone", hint="--yes says that it is meant")
        if not show.confirm(f"Forget {address} for good?"):
            raise UsageError("nothing was forgotten")
    done = None
    if desk.existing_store is not None:
        with audited(desk, "contact.forget", nickname(desk.store, address)) as trail:
            done = desk.store.forget(address, desk.clock())
            trail.came_to("nothing" if done is None else "forgotten")
    if done is None:
        raise UsageError(f"nothing is known of {address!r}", hint="is it another database?")
    if desk.json:
        show.emit_json({"type": "forgotten", **msgspec.structs.asdict(done)})
        return
    show.say(
        f"forgotten: {done.addresses} addresses, {done.interactions} interactions, "
        f"{done.replies} replies, {done.texts} texts ({done.cancelled} still waited)"
    )
    if done.opted_out:
        show.say("they stay opted out: a keyed hash of the number is kept as proof")
    if done.in_flight:
        desk.warn(f"{done.in_flight} texts are on their way; forget again once they are settled")
