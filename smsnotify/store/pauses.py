"""The emergency stop: kept in the database, obeyed by every process that delivers."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from smsnotify.store.tables import meta

_ALL: Final = "paused"
_ONE: Final = "paused:"


class Paused(NamedTuple):
    """What must not send now: everything, or some accounts."""

    everything: bool = False
    accounts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """True when anything at all is paused."""
        return self.everything or bool(self.accounts)


def paused(connection: Connection) -> Paused:
    """Read what is paused."""
    names = set(
        connection.execute(select(meta.c.name).where(meta.c.name.like("paused%"))).scalars()
    )
    accounts = frozenset(name.removeprefix(_ONE) for name in names if name.startswith(_ONE))
    return Paused(_ALL in names, accounts)


def pause(connection: Connection, account: str = "", *, note: str = "") -> None:
    """Stop one account, or everything with `''`; `note` says when and why, for people."""
    resume(connection, account)
    connection.execute(insert(meta).values(name=_name(account), value=note))


def resume(connection: Connection, account: str = "") -> bool:
    """End a pause; say whether there was one. `''` ends the pause of everything."""
    ended = connection.execute(delete(meta).where(meta.c.name == _name(account)))
    return bool(ended.rowcount)


def _name(account: str) -> str:
    return f"{_ONE}{account}" if account else _ALL
