"""The content of a plan: what its version is a hash of, and what an old version is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from smsnotify.base.errors import PlanError
from smsnotify.model.job import Kind

FORMAT: Final = 1
"""The form of the content; a later one is read by a later program only."""

_UNVERSIONED: Final = ("enabled",)
"""Keys that do not change what a person in the plan meets."""


_ORDERED: Final = frozenset({"replies", "send", "subject"})
"""Keys whose own keys are in an order that counts: the first branch, the first language."""


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan as canonical JSON holds it: plain data, and the words of its file that it uses."""

    plan: dict[str, Any]
    custom_fields: dict[str, Kind] = {}
    custom_events: list[str] = []
    format: int = FORMAT


def pack(
    written: Mapping[str, Any], custom_fields: Mapping[str, Kind], custom_events: Iterable[str]
) -> bytes:
    """Return the canonical JSON of a plan.

    Comments, order of keys and blank lines do not count, the order of steps and of the branches
    of a wait does.
    """
    plan = {key: value for key, value in written.items() if key not in _UNVERSIONED}
    ordered = _in_order(plan)
    made = Content(ordered, dict(sorted(custom_fields.items())), sorted(custom_events))
    return msgspec.json.encode(made)


def unpack(content: bytes) -> Content:
    """Read a stored content.

    Raises:
        PlanError: it is damaged, or of a later program.
    """
    try:
        read = msgspec.json.decode(content, type=Content)
    except msgspec.MsgspecError as error:
        raise PlanError(f"the stored plan cannot be read: {error}") from None
    if read.format != FORMAT:
        raise PlanError(
            f"the stored plan has format {read.format}, and this program reads {FORMAT}",
            hint="use the version of sms-notify that stored it",
        )
    return read


def version_of(content: bytes) -> str:
    """Return the version of a content: 16 hexadecimal digits."""
    return sha256(content).hexdigest()[:16]


def _in_order(value: Any, key: str = "") -> Any:
    """Sort the keys of mappings, but for branches, of which the first that fits is taken."""
    if isinstance(value, dict):
        pairs = value.items() if key in _ORDERED else sorted(value.items())
        return {name: _in_order(each, name) for name, each in pairs}
    return [_in_order(each) for each in value] if isinstance(value, list) else value
