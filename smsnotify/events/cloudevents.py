"""CloudEvents 1.0, structured mode, JSON format.

Source: the CloudEvents specification, `spec.md` and `formats/json-format.md`, version 1.0.2
(checked August 2026).
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from smsnotify.base.errors import EventError
from smsnotify.events.loose_json import parse_json
from smsnotify.events.words import fold

_SNAPSHOT_WORDS: Final = frozenset({"updated", "created", "changed", "snapshot"})
_VERSION = re.compile(r"v\d+", re.IGNORECASE)


def event_name(envelope: dict[str, Any]) -> str | None:
    """Return the last dotted part of `type`: `completed` for `com.acme.job.completed`.

    A version as last part (`job.completed.v1`) is skipped. None when the type only says that the
    job changed (`job.updated`): then its events are derived.

    Raises:
        EventError: `unknown_event`, there is no `type`.
    """
    written = envelope.get("type")
    parts = written.split(".") if isinstance(written, str) else []
    if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    if not parts or not parts[-1].strip():
        raise EventError(
            "the CloudEvent has no type", reason="unknown_event", hint='"type": "job.completed"'
        )
    return None if fold(parts[-1]) in _SNAPSHOT_WORDS else parts[-1]


def job_of(envelope: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the job and where it was: `data` itself, or the `job` in it.

    `data` may also be JSON in a text, or in `data_base64`.

    Raises:
        EventError: `no_job`, or the inner text is `not_json` or `too_deep`.
    """
    data, where = envelope.get("data"), "data"
    if data is None and isinstance(envelope.get("data_base64"), str):
        data, where = _unpacked(envelope["data_base64"]), "data_base64"
    elif isinstance(data, str):
        data = parse_json(data.encode("utf-8", "surrogateescape"))
    if isinstance(data, dict) and "job" in data and "do_number" not in data:
        data, where = data["job"], f"{where}.job"
    if not isinstance(data, dict):
        raise EventError(
            f"{where} holds no job object",
            reason="no_job",
            hint='"data" is the job object itself, or {"job": {…}}',
        )
    return data, where


def _unpacked(text: str) -> object:
    try:
        return parse_json(base64.b64decode(text, validate=True))
    except ValueError as error:
        if isinstance(error, EventError):
            raise
        raise EventError("data_base64 is no base64", reason="no_job") from None
