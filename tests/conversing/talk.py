"""A desk for conversations: plans in a file, a store, and people who write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from smsnotify.base.ids import new_id
from smsnotify.engine.conversing import Conversed, converse
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import InboundMessage
from smsnotify.plans.load import load_book
from smsnotify.store.store import Store

ANNA = "+6591230001"
BEN = "+6591230002"
OURS = "+6580000001"

QUOTE = (Path(__file__).parent / "quote.yaml").read_text(encoding="utf-8")


class Talk:
    """A desk, its books and a clock that is moved by hand."""

    def __init__(
        self, store: Store, folder: Path, now: datetime, rules: str = QUOTE, **terms: Any
    ) -> None:
        """`terms` are ConversationTerms and Policy values."""
        self.store = store
        self.now = now
        self.folder = folder
        policy = {key: terms.pop(key) for key in list(terms) if key in Policy.__struct_fields__}
        values: dict[str, Any] = {
            "mode": Mode.LIVE,
            "country": "SG",
            "timezone": "Asia/Singapore",
        }
        self._policy = Policy(**values | policy)
        self._terms = ConversationTerms(**{"own_numbers": frozenset({OURS})} | terms)
        self.write(rules)

    def write(self, rules: str) -> None:
        """Put other rules in place of the old."""
        file = self.folder / "plans.yaml"
        file.write_text(rules, encoding="utf-8")
        book = load_book([file], country="SG")
        self.desk = Desk(self.store, book, self._policy, self._terms)

    def says(
        self, body: str, sender: str = ANNA, *, id: str = "", to: str = OURS, **rest: Any
    ) -> None:
        """Somebody writes; nobody has worked it yet."""
        told = InboundMessage(
            provider_message_id=id or new_id(self.now),
            sender=sender,
            to=to,
            body=body,
            at=self.now,
            **rest,
        )
        self.store.note_replies("main", [told], self.now)

    def work(self) -> Conversed:
        """Work what there is."""
        return converse(self.desk, self.now)

    def hears(self, body: str, sender: str = ANNA, **rest: Any) -> list[str]:
        """Somebody writes and is answered; return the new texts to them, in order."""
        before = {row["id"] for row in self.rows("messages")}
        self.says(body, sender, **rest)
        self.work()
        return [
            row["body"]
            for row in self.rows("messages")
            if row["id"] not in before and row["recipient"] == sender
        ]

    def later(self, **passed: float) -> Talk:
        """Let time pass."""
        self.now += timedelta(**passed)
        return self

    def rows(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """Return every row of a table."""
        with self.store.read() as connection:
            found = connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).mappings()
            rows = [dict(row) for row in found]
        if table == "messages":
            rows.sort(key=lambda row: row["id"])
        return [{one: row[one] for one in columns} for row in rows] if columns else rows

    def column(self, table: str, column: str) -> Sequence[Any]:
        """Return one column of a table."""
        return [row[column] for row in self.rows(table)]
