"""Names with a dot: `contact.first_name`, `replies.ask`, read as attributes of what is rendered."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from smsnotify.base.errors import TemplateError
from smsnotify.text.template_errors import did_you_mean

Namespaces = Mapping[str, Collection[str] | None]
"""What may stand before a dot, each with the names behind it; None: any lower-case name."""

NO_NAMESPACES: Final[Namespaces] = MappingProxyType({})

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_JOINT: Final = "__"


def attribute(space: str, name: str) -> str:
    """Return the attribute that `space.name` is read from: `contact__first_name`."""
    return f"{space}{_JOINT}{name}"


def is_name(name: str) -> bool:
    """Tell whether a word can stand behind the dot of a namespace that takes any name."""
    return _NAME.fullmatch(name) is not None


def is_inside(space: str, name: str, namespaces: Namespaces) -> bool:
    """Tell whether `space.name` may be printed."""
    if space not in namespaces:
        return False
    known = namespaces[space]
    return is_name(name) if known is None else name in known


def unknown_name(space: str, name: str, namespaces: Namespaces, line: int) -> TemplateError:
    """Return the error for a name that its namespace does not have."""
    known = namespaces[space]
    if known is None:
        hint = f"names after {space}. are lower-case letters, digits and _"
        return TemplateError(
            f"{f'{space}.{name}'!r} is no name of a field", line=line, name=name, hint=hint
        )
    listed = f"{space} has {', '.join(sorted(known))}" if known else f"{space} has nothing here"
    return TemplateError(
        f"unknown field {f'{space}.{name}'!r}",
        line=line,
        name=name,
        hint=did_you_mean(name, known, listed),
    )


def space_alone(space: str, namespaces: Namespaces, line: int) -> TemplateError:
    """Return the error for a namespace that is printed itself."""
    example = min(namespaces[space] or (), default="" if namespaces[space] is not None else "name")
    hint = f"print a field: {space}.{example}" if example else f"{space} has nothing here"
    return TemplateError(f"{space!r} is no text", line=line, name=space, hint=hint)
