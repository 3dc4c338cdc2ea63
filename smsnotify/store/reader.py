"""Rows of a table as structs, all of them in one value (`rowset.as_one`)."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from sqlalchemy import Connection

from smsnotify.store.instants import from_micros
from smsnotify.store.rowset import as_json, as_one, execute, is_postgres, statement

T = TypeVar("T", bound=msgspec.Struct)


class Reader(Generic[T]):
    """Reads structs whose fields are columns: instants as microseconds, collections as JSON."""

    def __init__(
        self,
        table: str,
        made: type[T],
        named: Mapping[str, str] | None = None,
        *,
        chosen: str = "*",
    ) -> None:
        """`named` are fields whose column is called otherwise, `chosen` the columns to read."""
        hints = get_type_hints(made)
        self.fields = made.__struct_fields__
        self.row_type = tuple[tuple(_stored(hints[name]) for name in self.fields)]  # type: ignore[misc]
        self._made: Callable[..., T] = made
        self._selection = f"SELECT {chosen} FROM {table}"
        self._columns = {name: (named or {}).get(name, name) for name in self.fields}
        self._json = {name for name in self.fields if get_origin(hints[name]) in _COLLECTIONS}
        self._instants = [
            place
            for place, name in enumerate(self.fields)
            if datetime in (hints[name], *get_args(hints[name]))
        ]
        self._decode = msgspec.json.Decoder(list[self.row_type]).decode  # type: ignore[name-defined]
        self._statements: dict[tuple[bool, str], str] = {}

    def listed(self, postgres: bool) -> list[str]:
        """Return the columns as `as_one` wants them."""
        return [
            as_json(postgres, column) if name in self._json else column
            for name, column in self._columns.items()
        ]

    def make(self, row: Sequence[Any]) -> T:
        """Return the struct of a row that was read as `row_type`."""
        values = list(row)
        for place in self._instants:
            values[place] = from_micros(values[place])
        return self._made(**dict(zip(self.fields, values, strict=True)))

    def read(self, connection: Connection, rest: str, values: Mapping[str, object]) -> list[T]:
        """Return the rows of the table; `rest` is what stands behind its name."""
        postgres = is_postgres(connection)
        asking = self._statements.get((postgres, rest))
        if asking is None:
            whole = as_one(postgres, self.listed(postgres), f"{self._selection} {rest}")
            asking = statement(postgres, whole)
            self._statements[postgres, rest] = asking
        found = execute(connection, asking, values).fetchone()
        return [self.make(row) for row in self._decode(found[0])]


_COLLECTIONS = (dict, Mapping, tuple, frozenset, list)


def _stored(hint: Any) -> Any:
    """Return the type that a field has in the database's answer."""
    if hint is datetime:
        return int
    return int | None if set(get_args(hint)) == {datetime, NoneType} else hint
