"""Who gets what a rule says: fields of the job and fixed numbers, for texts and for mails."""

from __future__ import annotations

from smsnotify.base.redact import mask_number
from smsnotify.model.job import JOB_FIELDS, PHONE_FIELDS
from smsnotify.rules.alarm import alarms
from smsnotify.rules.mail import check_mail_field, fixed_address, is_mail_field, mails, texts
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import RuleKeys
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.rules.where import unknown_field
from smsnotify.rules.yaml_nodes import MapNode, find


def read_recipients(
    keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return fields and fixed numbers for texts, then fields and fixed addresses for mails."""
    to = keys.to
    if to is None or alarms(keys):
        return [], [], [], []
    at = (*path, "to")
    if not to.fields and not to.fixed and not _reported_below(report, at):
        report.error(at, "missing_key", "to names nobody", "to: {fields: [phone_number]}")
    fields: tuple[list[str], list[str]] = ([], [])
    for index, field in enumerate(to.fields):
        place = (*at, "fields", index)
        mailed = _is_mailed(keys, is_mail_field(field))
        if mailed and field in words.fields:
            check_mail_field(field, words, report, place)
        else:
            _check_recipient(field, words, report, place)
        if field in to.fields[:index]:
            report.error(place, "doubled", f"the field {field!r} is in the list twice")
        fields[mailed].append(field)
    fixed: tuple[list[str], list[str]] = ([], [])
    for index, raw in enumerate(to.fixed):
        place = (*at, "fixed", index)
        mailed = _is_mailed(keys, "@" in raw)
        if mailed:
            address = fixed_address(raw, report, place)
        else:
            address = _fixed_number(raw, words.country, report, place)
        if address in fixed[mailed]:
            what = "address" if mailed else "number"
            report.error(place, "doubled", f"this {what} is in the list twice")
        fixed[mailed].append(address)
    if mails(keys) and texts(keys) and (to.fields or to.fixed):
        _check_both(fields, fixed, report, at)
    return fields[False], fixed[False], fields[True], fixed[True]


def _is_mailed(keys: RuleKeys, looks_like_mail: bool) -> bool:
    """Say whether a recipient is for mails; of a rule of both channels, by what it looks like."""
    return looks_like_mail if mails(keys) and texts(keys) else mails(keys)


def _check_both(
    fields: tuple[list[str], list[str]],
    fixed: tuple[list[str], list[str]],
    report: Reporter,
    path: Path,
) -> None:
    """A rule of both channels must name somebody for each."""
    for mailed, what, hint in (
        (False, "texts", "to: {fields: [phone_number, notify_email]}"),
        (True, "mails", "to: {fields: [phone_number, notify_email]}"),
    ):
        if not fields[mailed] and not fixed[mailed]:
            report.error(path, "missing_key", f"to names nobody who gets the {what}", hint)


def _reported_below(report: Reporter, path: Path) -> bool:
    node = find(report.root, path)
    assert isinstance(node, MapNode), "its shape was checked before"
    below = [*node.keys.values(), *node.values.values()]
    places = {(child.line, child.column) for child in below}
    return any((known.line, known.column) in places for known in report.problems)


def _check_recipient(field: str, words: Vocabulary, report: Reporter, path: Path) -> None:
    kind = words.fields.get(field)
    if kind is None:
        unknown_field(field, words, report, path)
    elif kind not in ("text", "list") or field in ("items", "milestones"):
        report.error(
            path,
            "not_a_phone_field",
            f"the field {field!r} cannot hold phone numbers",
            "Detrack's are " + ", ".join(PHONE_FIELDS),
        )
    elif field in JOB_FIELDS and field not in PHONE_FIELDS:
        report.warn(
            path,
            "not_a_phone_field",
            f"the field {field!r} does not usually hold phone numbers",
            "Detrack's are " + ", ".join(PHONE_FIELDS),
        )


def _fixed_number(raw: str, country: str, report: Reporter, path: Path) -> str:
    from smsnotify.text.phone import read_number

    number = read_number(raw, "", country)
    if not number.reason:
        return number.e164
    shown = mask_number(raw)
    what = {
        "landline": f"the fixed number {shown} is a landline, which gets no texts",
        "doubtful_number": f"the fixed number {shown} could be read in two ways",
    }.get(number.reason, f"the fixed number {shown} is no phone number")
    if number.reason == "landline":
        report.error(path, number.reason, what, "give a mobile number")
        return raw
    hint = 'write it with + and the country code, in quotes: "+65…"'
    if not country and not raw.strip().startswith("+"):
        hint += "; or set country in the settings"
    report.error(path, number.reason, what, hint)
    return raw
