"""Errors, filters, events and job fields: one row a word."""

from __future__ import annotations

from collections.abc import Iterator

from generators.tables import code, table
from smsnotify.base import errors
from smsnotify.events.words import STATUS_KEYS, event_table
from smsnotify.model.event import EVENT_NAMES, STAMP_FIELDS
from smsnotify.model.job import ITEM_FIELDS, JOB_FIELDS
from smsnotify.text.template_filters import FILTERS, Parameter


def error_tree() -> str:
    """Return the tree as it stands at the top of `base/errors.py`."""
    text = errors.__doc__ or ""
    lines = [
        line for line in text.splitlines() if line.startswith(("SmsNotify", "├", "└", "│", " "))
    ]
    return "```text\n" + "\n".join(lines) + "\n```"


def error_classes() -> Iterator[type[errors.SmsNotifyError]]:
    """Yield every error class, parents first, in the order of the module."""
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.SmsNotifyError):
            yield value


def error_codes() -> str:
    """Return every error with its code, exit code, and sentence."""
    rows = [
        (
            code(one.code),
            code(one.__name__),
            str(one.exit_code),
            "yes" if one.retryable else "",
            (one.__doc__ or "").split("\n\n")[0],
        )
        for one in error_classes()
    ]
    return table(("code", "class", "exit code", "worth a retry", "means"), rows)


def filters() -> str:
    """Return every filter of the templates."""
    rows = []
    for name, spec in FILTERS.items():
        given = ", ".join(_parameter(one) for one in spec.parameters)
        rows.append((code(f"{name}({given})" if given else name), spec.does))
    return table(("filter", "what it does"), rows)


def _parameter(one: Parameter) -> str:
    return one.name if one.required else f"{one.name}=…"


def events() -> str:
    """Return every event with the stamp that its age is counted from, and its other names."""
    rows = []
    for name in EVENT_NAMES:
        stamps = ", ".join(map(code, STAMP_FIELDS.get(name, ())))
        others = [word for word, meant in event_table().items() if meant == name != word]
        rows.append((code(name), stamps, ", ".join(map(code, others))))
    return table(("event", "its own stamp in the job", "also understood"), rows)


def statuses() -> str:
    """Return every status word that a snapshot may have."""
    keys = dict.fromkeys(STATUS_KEYS.values())
    rows = []
    for key in keys:
        others = [word for word, meant in STATUS_KEYS.items() if meant == key != word]
        rows.append((code(key), ", ".join(map(code, others))))
    return table(("status", "also understood"), rows)


def job_fields() -> str:
    """Return the job's fields by kind."""
    kinds: dict[str, list[str]] = {}
    for name, kind in JOB_FIELDS.items():
        kinds.setdefault(kind, []).append(name)
    meant = {
        "text": "text",
        "number": "number",
        "flag": "yes or no",
        "date": "date, `YYYY-MM-DD`",
        "clock": "time of day, `HH:MM`",
        "instant": "instant, ISO 8601",
        "list": "list",
    }
    rows = [(meant[kind], ", ".join(map(code, names))) for kind, names in kinds.items()]
    rows.append(("in each of `items`", ", ".join(map(code, sorted(ITEM_FIELDS)))))
    return table(("kind", "fields"), rows)
