"""Detrack's webhook in every variant that is known, and the field names of its version 1.

Source: help.detrack.com, articles 6553300 (version 2), 6124027 (version 1) and 6126913 (fields);
checked August 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from smsnotify.base.errors import EventError
from smsnotify.events.loose_json import parse_json
from smsnotify.events.words import status_key
from smsnotify.model.job import JOB_FIELDS

_WRAPPERS: Final = ("json", "data")
_MAX_WRAPPERS: Final = 3

V1_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "do": ("do_number",),
    "deliver_to": ("deliver_to_collect_from",),
    "collect_from": ("deliver_to_collect_from",),
    "phone": ("phone_number",),
    "delivery_time": ("job_time", "time_window"),
    "collection_time": ("job_time", "time_window"),
    "received_by": ("received_by_sent_by",),
    "sent_by": ("received_by_sent_by",),
    "notify_url": ("webhook_url",),
    "account_no": ("account_number",),
    "time": ("pod_at",),
}
"""Version 1 field to the version 2 fields that mean the same.

The older libraries give `delivery_time` as `job_time`, accounts used it for the promised window:
both get it. A `collect_from` makes the job a collection.
"""

_V1_ITEM_NAMES: Final = {
    "desc": "description",
    "qty": "quantity",
    "reject": "reject_quantity",
    "reason": "reject_reason",
}


def form_json(line: bytes) -> bytes | None:
    """Return the JSON of a form body `json=…`, None when the line is no such form.

    The value is URL-encoded as a rule; one that still shows its quotes is taken as it is.
    """
    text = line.strip()
    if text[:1] in (b"{", b"[", b'"') or b"json=" not in text[:4096]:
        return None
    if text.startswith(b"json=") and b'"' in text:
        return text[5:]
    for part in text.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"json":
            return unquote_to_bytes(value.replace(b"+", b" "))
    return None


def jobs(value: object, path: str, depth: int = 0) -> Iterator[tuple[dict[str, Any], str]]:
    """Give every job object inside a webhook body, with its path.

    The body is the job itself, `{"json": …}` or `{"data": …}` (also as a list API answers),
    where the value is an object, an array, or JSON in a text.

    Raises:
        EventError: `not_an_object`, `no_job`, or the inner text is `not_json` or `too_deep`.
    """
    if isinstance(value, str) and depth:
        value = parse_json(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, list) and depth <= _MAX_WRAPPERS:
        for index, entry in enumerate(value):
            yield from jobs(entry, f"{path}[{index}]", depth + 1)
        return
    if not isinstance(value, dict):
        raise EventError(f"{path or 'the line'} is not an object", reason="not_an_object")
    wrapper = _wrapper_of(value) if depth <= _MAX_WRAPPERS else None
    if wrapper is not None:
        yield from jobs(value[wrapper], f"{path}.{wrapper}" if path else wrapper, depth + 1)
    elif any(name in JOB_FIELDS or name in V1_NAMES for name in value):
        yield value, path
    else:
        raise EventError(
            f"{path or 'the line'} has no field of a job",
            reason="no_job",
            hint="Detrack's field names: do_number, date, status, phone_number …",
        )


def _wrapper_of(value: dict[str, Any]) -> str | None:
    if "do_number" in value or "do" in value:
        return None
    for name in _WRAPPERS:
        if isinstance(value.get(name), dict | list | str):
            return name
    return None


def with_v2_names(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job with version 2 names and status keys; one that has them comes back as it is.

    A version 1 job is known by its `do`. A field that has a version 2 value already keeps it.
    """
    if "do" not in job or "do_number" in job:
        return job
    renamed: dict[str, Any] = {}
    for name, value in job.items():
        for target in V1_NAMES.get(name, (name,)):
            if renamed.get(target) is None and (target == name or job.get(target) is None):
                renamed[target] = value
    if "collect_from" in job:
        renamed.setdefault("type", "Collection")
    status = renamed.get("status")
    renamed["status"] = status_key(status) or status
    if isinstance(job.get("items"), list):
        renamed["items"] = [_v2_item(item) for item in job["items"]]
    return renamed


def _v2_item(item: object) -> object:
    if not isinstance(item, dict):
        return item
    return {_V1_ITEM_NAMES.get(name, name): value for name, value in item.items()}
