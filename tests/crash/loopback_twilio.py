"""A provider in a process of its own that speaks Twilio's send and list, and tells the truth.

Run as a script with its options as JSON; it says its address on standard output and ends when
standard input does. Whatever happens to its callers, its log has a line for every request that it
read (`request`), every text that it took (`taken`), every one that it did not take because the
caller had hung up before (`missed`), and every look-up (`list`).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiohttp import web
from fast_clock import FastClock

_PAGE_SIZE = 50


class Options(msgspec.Struct):
    """How the provider behaves. Waits are in real seconds, `lag_s` in the fast clock's.

    `before_s` and `after_s`: the longest waits before a text is taken and before the answer;
    `shy`: the share of requests that are dropped when the caller is gone before they are taken;
    `lag_s`: a text may be missing from the list for so long after it was taken.
    """

    log: str
    base: float
    factor: float
    seed: int
    before_s: float = 0.015
    after_s: float = 0.02
    shy: float = 0.7
    lag_s: float = 40.0


class Taken(msgspec.Struct):
    """A text that the provider has."""

    sid: str
    to: str
    sender: str
    body: str
    at: float
    listed_at: float


class LoopbackTwilio:
    """The two doors that a send and a look-up need."""

    def __init__(self, options: Options) -> None:
        """Begin an empty log."""
        self._options = options
        self._clock = FastClock(options.base, options.factor)
        self._random = random.Random(options.seed)
        self._log = os.open(options.log, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        self._by_number: dict[str, list[Taken]] = {}
        self._count = 0

    def app(self) -> web.Application:
        """The web application."""
        app = web.Application()
        path = "/2010-04-01/Accounts/{account}/Messages.json"
        app.add_routes([web.post(path, self.send), web.get(path, self.list)])
        return app

    def _note(self, **fields: object) -> None:
        line = {"at": time.time(), **fields}
        os.write(self._log, json.dumps(line).encode() + b"\n")

    async def send(self, request: web.Request) -> web.Response:
        """Take a text, after a moment; answer, after another."""
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        our_id = parse_qs(urlsplit(form["StatusCallback"]).query)["m"][0]
        told = {"id": our_id, "to": form["To"], "body": form["Body"]}
        self._note(what="request", **told)
        shy = self._random.random() < self._options.shy
        await asyncio.sleep(self._random.uniform(0, self._options.before_s))
        if shy and (request.transport is None or request.transport.is_closing()):
            self._note(what="missed", **told)
            return web.Response(status=503)
        taken = self._take(form)
        self._note(what="taken", sid=taken.sid, **told)
        await asyncio.sleep(self._random.uniform(0, self._options.after_s))
        return web.json_response(_row(taken), status=201)

    def _take(self, form: dict[str, str]) -> Taken:
        self._count += 1
        now = self._clock.clock().timestamp()
        taken = Taken(
            sid=f"SM{self._count:032d}",
            to=form["To"],
            sender=form.get("From", ""),
            body=form["Body"],
            at=now,
            listed_at=now + self._random.uniform(0, self._options.lag_s),
        )
        self._by_number.setdefault(taken.to, []).append(taken)
        return taken

    async def list(self, request: web.Request) -> web.Response:
        """Give what one number was sent, newest first, a page at a time."""
        number, page = request.query["To"], int(request.query.get("Page", "0"))
        now = self._clock.clock().timestamp()
        found = [one for one in self._by_number.get(number, []) if one.listed_at <= now][::-1]
        rest = found[page * _PAGE_SIZE :]
        self._note(what="list", to=number, found=len(found))
        more = request.rel_url.update_query(Page=page + 1) if len(rest) > _PAGE_SIZE else None
        rows = [_row(one) for one in rest[:_PAGE_SIZE]]
        dated = {"Date": format_datetime(self._clock.clock(), usegmt=True)}
        listed = {"messages": rows, "next_page_uri": more and str(more)}
        return web.json_response(listed, headers=dated)


def _row(taken: Taken) -> dict[str, Any]:
    from datetime import UTC, datetime

    made = format_datetime(datetime.fromtimestamp(int(taken.at), UTC))
    return {
        "sid": taken.sid,
        "to": taken.to,
        "from": taken.sender,
        "body": taken.body,
        "status": "queued",
        "direction": "outbound-api",
        "date_created": made,
        "date_updated": made,
        "error_code": None,
        "error_message": None,
        "num_segments": "1",
    }


async def _serve(options: Options) -> None:
    runner = web.AppRunner(LoopbackTwilio(options).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(msgspec.json.decode(sys.argv[1], type=Options)))
