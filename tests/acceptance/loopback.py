"""Providers and Detrack as they stand on the other side: real HTTP, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Seen(NamedTuple):
    """A request as it arrived; `json` or `form` is its body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        read = parse_qs(self.body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in read.items()}


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: object = None
    headers: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed


Answer = Callable[[Seen], Reply]


class Loopback:
    """A server that answers as it is told and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.url = ""
        self.asked = threading.Event()

    @contextmanager
    def open(self) -> Iterator[Loopback]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                split = urlsplit(self.path)
                seen = Seen(
                    self.command,
                    split.path,
                    {name: values[0] for name, values in parse_qs(split.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                fake.seen.append(seen)
                fake.asked.set()
                reply = fake.answer(seen)
                body = b"" if reply.body is None else json.dumps(reply.body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    self.close_connection = True

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                """A client that was killed is no news."""

        with Server(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
            server.shutdown()
            thread.join()

    @property
    def sent(self) -> list[Any]:
        """The messages of the sends, in order: 8x8's as objects, Twilio's as forms."""
        rows: list[Any] = []
        for seen in self.seen:
            if seen.method != "POST":
                continue
            if seen.path.endswith("/Messages.json"):
                rows.append(seen.form)
            else:
                body = seen.json
                rows += body.get("messages", [body])
        return rows

    @property
    def numbers(self) -> list[str]:
        """Who was texted, in order of the alphabet."""
        return sorted(row.get("To") or row["destination"] for row in self.sent)


def eight_x_eight(seen: Seen, *, code: str = "QUEUED") -> Reply:
    """Take what 8x8 would take: one message or a batch."""
    body = seen.json

    def taken(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "umid": f"umid-{row['clientMessageId']}",
            "clientMessageId": row["clientMessageId"],
            "destination": row["destination"].lstrip("+"),
            "encoding": row["encoding"],
            "status": {"code": code, "description": "SMS is accepted and queued for processing"},
        }

    if "messages" not in body:
        return Reply(200, taken(body))
    rows = [taken(row) for row in body["messages"]]
    return Reply(
        200,
        {
            "batchId": "00000000-0000-4000-8000-000000000001",
            "clientBatchId": None,
            "acceptedCount": len(rows),
            "rejectedCount": 0,
            "messages": rows,
        },
    )


class TwilioDesk:
    """Takes messages as Twilio would and lists them when asked; refuses some numbers by code."""

    def __init__(self, **refused: tuple[int, int]) -> None:
        """`refused` is number without + → (HTTP status, Twilio's code)."""
        self.refused = {f"+{number[1:]}": answer for number, answer in refused.items()}
        self.rows: list[dict[str, Any]] = []

    def __call__(self, seen: Seen) -> Reply:
        if seen.method == "GET":
            rows = [row for row in self.rows if row["to"] == seen.query.get("To", row["to"])]
            return Reply(200, {"messages": rows, "next_page_uri": None})
        form = seen.form
        if form["To"] in self.refused:
            status, code = self.refused[form["To"]]
            return Reply(status, {"code": code, "message": "refused", "status": status})
        row = {
            "sid": f"SM{len(self.rows) + 1:032x}",
            "status": "queued",
            "to": form["To"],
            "from": form.get("From"),
            "body": form["Body"],
            "direction": "outbound-api",
            "date_created": "Mon, 02 Mar 2026 06:00:00 +0000",
            "error_code": None,
            "error_message": None,
        }
        self.rows.append(row)
        return Reply(201, row)


class DetrackList:
    """Detrack's list: jobs by date, in pages."""

    def __init__(self, *jobs: dict[str, Any], key: str = "detrack-key", page: int = 100) -> None:
        self.jobs = list(jobs)
        self.key = key
        self.page = page

    def __call__(self, seen: Seen) -> Reply:
        if seen.headers.get("x-api-key") != self.key:
            return Reply(401, {"code": "unauthorized", "message": "no such key", "errors": []})
        of_day = [job for job in self.jobs if job.get("date") == seen.query["date"]]
        first = (int(seen.query["page"]) - 1) * self.page
        here = of_day[first : first + self.page]
        more = len(of_day) > first + self.page
        link = f"/dn/jobs?page={int(seen.query['page']) + 1}" if more else None
        return Reply(200, {"data": here, "links": {"next": link}, "total_count": len(of_day)})
