"""What somebody who brings people hands to the store, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from smsnotify.model.contact import ConsentChange, Facet

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

BROUGHT: Final = frozenset({"import", "by_hand"})
"""Sources of an opt-out that an import may undo: nobody's own word."""


class BroughtPerson(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person as a file has them. None leaves a field as it is, and a facet of None goes.

    `place` is the line of the file. The consents are of any of the addresses.
    """

    addresses: tuple[str, ...]
    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    tags: frozenset[str] = frozenset()
    facets: Mapping[str, Facet | None] = _NOTHING
    consents: tuple[ConsentChange, ...] = ()
    place: int = 0


class KeptPeople(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some of them.

    `opted_out` are the opt-outs that were news. `stay_out` are those whose own opt-out an import
    does not undo; `clashing` are places of rows whose addresses belong to several people: nothing
    of such a row is kept.
    """

    made: int = 0
    changed: int = 0
    consents: int = 0
    opted_out: tuple[ConsentChange, ...] = ()
    stay_out: tuple[str, ...] = ()
    clashing: tuple[int, ...] = ()


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How much was erased of a person. `cancelled` texts waited, `in_flight` ones are on the way.

    `opted_out` says whether a keyed hash stays as proof that this person wants no texts.
    """

    addresses: int = 0
    interactions: int = 0
    replies: int = 0
    texts: int = 0
    cancelled: int = 0
    in_flight: int = 0
    enrolments: int = 0
    opted_out: bool = False
