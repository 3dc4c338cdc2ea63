"""A small desk for delivery's tests: a store, a made-up provider, a clock that can be turned."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import insert, select

from smsnotify.engine.accounts import Account
from smsnotify.engine.times import Times
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import ErrorWord, OutboundMessage, Outcome, Receipt, Result
from smsnotify.providers.answers import by_status, json_object, retry_after_s
from smsnotify.providers.base import (
    AccountSettings,
    Capabilities,
    LookupAnswer,
    LookupResult,
)
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.store.tables import attempts, messages

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MICROS = int(START.timestamp()) * 1_000_000


class Turned:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def times(self) -> Times:
        return Times(self.clock, wall=self.clock, monotonic=self.monotonic)


class Parrot:
    """A provider that speaks JSON over HTTP and repeats what it is told.

    Send: POST /send with a list of {id, to, text, from}; 200 with {"results": [{"id", "code"}]},
    code "ok" or an ErrorWord. Look up: GET /list?to=…; a list of {"pid", "text", "at"}.
    """

    name: ClassVar[str] = "parrot"
    title: ClassVar[str] = "Parrot"
    docs: ClassVar[str] = ""
    local: ClassVar[bool] = False
    settings_type: ClassVar[type[AccountSettings]] = AccountSettings

    def __init__(
        self, base_url: str = "http://parrot.test", *, batch: int = 1, lookup: bool = True
    ) -> None:
        self.base_url = base_url
        self.capabilities = Capabilities(batch=batch, lookup_by_recipient=lookup)
        self.settings = AccountSettings(provider="parrot", sender="PARROT")

    def sender_for(self, country: str) -> str:
        return self.settings.sender_for(country)

    def build_request(self, messages: Sequence[OutboundMessage]) -> HttpRequest:
        rows = [{"id": m.id, "to": m.recipient, "text": m.body, "from": m.sender} for m in messages]
        return HttpRequest(
            method="POST",
            url=f"{self.base_url}/send",
            headers={"Content-Type": "application/json"},
            body=json.dumps(rows).encode(),
        )

    def parse_response(
        self, messages: Sequence[OutboundMessage], response: HttpResponse
    ) -> list[Outcome]:
        read = json_object(response.body)
        if response.status != 200 or read is None:
            result, error = by_status(response.status)
            wait_s = retry_after_s(response.headers)
            return [
                Outcome(
                    message_id=m.id,
                    result=result,
                    error=error,
                    http_status=response.status,
                    retry_after_s=wait_s,
                )
                for m in messages
            ]
        codes = {row["id"]: row["code"] for row in read["results"]}
        return [_outcome(m.id, codes[m.id]) for m in messages]

    def must_split(self, messages: Sequence[OutboundMessage], response: HttpResponse) -> bool:
        return response.status == 422

    def build_lookup(
        self, message: OutboundMessage, provider_message_id: str = ""
    ) -> HttpRequest | None:
        if not self.capabilities.lookup_by_recipient:
            return None
        return HttpRequest(method="GET", url=f"{self.base_url}/list?to={message.recipient}")

    def parse_lookup(
        self,
        message: OutboundMessage,
        response: HttpResponse,
        *,
        provider_message_id: str = "",
        started_at: datetime | None = None,
    ) -> LookupResult:
        if response.status != 200:
            wait_s = retry_after_s(response.headers)
            return LookupResult(answer=LookupAnswer.UNCLEAR, retry_after_s=wait_s)
        assert started_at is not None
        found = [
            Receipt(provider_message_id=row["pid"], at=datetime.fromisoformat(row["at"]))
            for row in json.loads(response.body)["found"]
            if row["text"] == message.body
            and datetime.fromisoformat(row["at"]) >= started_at - timedelta(seconds=5)
        ]
        answer = LookupAnswer.FOUND if found else LookupAnswer.ABSENT
        return LookupResult(answer=answer, candidates=tuple(found))


def _outcome(message_id: str, code: str) -> Outcome:
    if code == "ok":
        return Outcome(
            message_id=message_id,
            result=Result.ACCEPTED,
            provider_message_id=f"p-{message_id}",
            http_status=200,
        )
    return Outcome(
        message_id=message_id,
        result=Result.REJECTED,
        error=ErrorWord(code),
        raw_code=code,
        raw_text=f"refused: {code}",
        http_status=200,
    )


def accepted(request: HttpRequest) -> HttpResponse:
    """What a provider in good health answers."""
    return answer({"results": [{"id": row["id"], "code": "ok"} for row in rows_of(request)]})


def refused(code: str) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 200 with a refusal inside, for every message."""

    def say(request: HttpRequest) -> HttpResponse:
        return answer({"results": [{"id": row["id"], "code": code} for row in rows_of(request)]})

    return say


def status(code: int, **headers: str) -> Callable[[HttpRequest], HttpResponse]:
    """Answer an HTTP status and nothing else."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: HttpResponse(status=code, headers=named)


def answer(content: object) -> HttpResponse:
    """Answer 200 with JSON."""
    return HttpResponse(status=200, body=json.dumps(content).encode())


def rows_of(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the messages of a send."""
    read: list[dict[str, Any]] = json.loads(request.body)
    return read


class Wire:
    """A transport: answers by host, one script each; the last line of a script repeats."""

    def __init__(self, **scripts: object) -> None:
        self.scripts = {
            host: list(script) if isinstance(script, list) else [script]
            for host, script in scripts.items()
        }
        self.requests: list[HttpRequest] = []
        self.seen: Counter[str] = Counter()

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        self.requests.append(request)
        host = request.url.split("/")[2].removesuffix(".test")
        script = self.scripts[host]
        line = script.pop(0) if len(script) > 1 else script[0]
        if request.method == "POST":
            self.seen.update(f"{host}:{row['id']}" for row in rows_of(request))
        if isinstance(line, Exception):
            raise line
        response: HttpResponse = line(request)
        return response

    def sent_through(self, host: str) -> list[str]:
        """Return the ids that a host was asked to send, in order, repetitions too."""
        return [
            row["id"]
            for request in self.requests
            if request.method == "POST" and request.url.startswith(f"http://{host}.test/")
            for row in rows_of(request)
        ]


def account(name: str = "main", *, batch: int = 1, lookup: bool = True, **fields: Any) -> Account:
    """Make an account whose provider is the parrot of the same name."""
    base_url = fields.pop("base_url", f"http://{name}.test")
    provider = Parrot(base_url, batch=batch, lookup=lookup)
    return Account(name=name, provider=provider, **fields)  # type: ignore[arg-type]


def accounts(*made: Account) -> dict[str, Account]:
    """Return them by name."""
    return {one.name: one for one in made}


def open_books(folder: Path) -> Store:
    """Open a new SQLite store: a copy of one that was made once, which is faster."""
    shutil.copy(_empty_books(), folder / "books.db")
    return open_store(f"sqlite:///{folder}/books.db")


@cache
def _empty_books() -> Path:
    made = Path(tempfile.mkdtemp(prefix="sms-notify-tests-")) / "books.db"
    atexit.register(shutil.rmtree, made.parent)
    open_store(f"sqlite:///{made}").close()
    return made


def queue(store: Store, *ids: str, **fields: Any) -> None:
    """Put queued messages into the outbox."""
    common = {
        "mode": "live",
        "kind": "completed",
        "rule": "delivered",
        "occasion": "1",
        "channel": "sms",
        "recipient": "+6591230000",
        "country": "SG",
        "state": "queued",
        "body": "Hi",
        "encoding": "GSM7",
        "created_at": MICROS,
        "updated_at": MICROS,
        "due_at": MICROS,
    } | fields
    rows = [{"id": one, "subject": one, "recipient_hash": one.encode()} | common for one in ids]
    with store.begin() as connection:
        connection.execute(insert(messages), rows)


def numbered(count: int, prefix: str = "m") -> list[str]:
    """Return ids in ascending order."""
    return [f"{prefix}{number:05d}" for number in range(count)]


def message(store: Store, one: str) -> dict[str, Any]:
    """Return a row of the outbox."""
    with store.read() as connection:
        found = connection.execute(select(messages).where(messages.c.id == one))
        return dict(found.mappings().one())


def states(store: Store) -> dict[str, int]:
    """Count the outbox by state."""
    with store.read() as connection:
        return dict(Counter(connection.execute(select(messages.c.state)).scalars()))


def tries(store: Store, one: str) -> list[dict[str, Any]]:
    """Return the attempts of a message in order."""
    with store.read() as connection:
        statement = select(attempts).where(attempts.c.message_id == one)
        rows: Iterable[Any] = connection.execute(statement.order_by(attempts.c.number)).mappings()
        return [dict(row) for row in rows]
