"""`/o/{token}`: the page behind `{{ opt_out_link }}`, for senders that nobody can reply to.

A GET changes nothing, because mail and message programs open links by themselves. The button's
form carries a proof that only this page can make: another site cannot press it, and neither does
who only follows links.
"""

from __future__ import annotations

import hmac
import logging
from datetime import datetime, timedelta
from functools import partial
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse

from smsnotify.base.errors import StoreError
from smsnotify.base.redact import mask_number
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import ConsentChange
from smsnotify.store.links import StoredLink
from smsnotify.store.words import OPT_OUT
from smsnotify.web.limits import read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving

log = logging.getLogger(__name__)

PAGE: Final = "opt_out_page"
SOURCE: Final = "link"
_FORM_LIMIT: Final = 4096
_PROOF_LASTS: Final = timedelta(hours=24)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.7rem 1.2rem;border:0;border-radius:.4rem;background:#b00020;"
    "color:#fff}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


async def show_page(request: Request) -> HTMLResponse:
    """Show whom the link is of, and a button."""
    serving: Serving = request.app.state.serving
    token = request.path_params["token"]
    try:
        link = await _find(serving, token)
        if link is None:
            return _nowhere(serving)
        proof = await serving.threads.short(partial(_proof, serving, token, serving.clock()))
    except StoreError:
        return _unavailable()
    who = escape(mask_number(link.recipient))
    return _page(
        "No more texts?",
        f"<p>You will get no more texts from us on {who}.</p>"
        f'<form method="post"><input type="hidden" name="proof" value="{escape(proof)}">'
        '<button type="submit">Stop texting me</button></form>',
    )


async def opt_out(request: Request) -> HTMLResponse:
    """Opt the owner of the link out, if the form is the page's own."""
    serving: Serving = request.app.state.serving
    token = request.path_params["token"]
    try:
        link = await _find(serving, token)
        if link is None:
            return _nowhere(serving)
        body = await read_body(request, _FORM_LIMIT)
        now = serving.clock()
        one_click = _is_one_click(body) and "@" in link.recipient
        if not one_click and not await serving.threads.short(
            partial(_is_ours, serving, token, _proof_in(body), now)
        ):
            serving.refusals.note(PAGE, Refusal.UNAUTHENTICATED, "a form that is not the page's")
            return _page(
                "Please press again",
                f'<p>This page was too old. <a href="{escape(token)}">Open it again</a>.</p>',
                400,
            )
        await serving.threads.short(partial(_carry_out, serving, link, now))
    except RefusedError as error:
        serving.refusals.note_error(PAGE, error)
        return _page("That did not work", "<p>Please open the link again.</p>", error.status)
    except StoreError as error:
        log.warning("an opt-out by link could not be stored: %s", error.message)
        return _unavailable()
    who = escape(mask_number(link.recipient))
    return _page("Done", f"<p>{who} will get no more texts from us.</p>")


async def _find(serving: Serving, token: str) -> StoredLink | None:
    link = await serving.threads.short(partial(serving.store.find_link, token))
    usable = link is not None and link.kind == OPT_OUT and not link.is_over(serving.clock())
    return link if usable else None


def _carry_out(serving: Serving, link: StoredLink, now: datetime) -> None:
    scope = serving.loaded.policy.scope_of_stop("")
    standing = serving.store.standings([link.recipient]).get(link.recipient)
    if standing is not None and (standing.is_out or scope in standing.refused):
        return  # pressed twice: one word is proof enough
    change = ConsentChange(
        recipient=link.recipient,
        opted_out=True,
        source=SOURCE,
        at=now,
        note="pressed the button of their own page",
        scope=scope,
        call_to_action="Stop texting me",
    )
    carry_out(serving.store, [change], now)
    log.info("a recipient has opted out", extra={"recipient": mask_number(link.recipient)})


def _proof(serving: Serving, token: str, now: datetime) -> str:
    """Return what the form carries: the second of its making, and a keyed hash over it."""
    stamp = str(int(now.timestamp()))
    return f"{stamp}.{serving.store.recipient_hash.token(f'form {token}', stamp)}"


def _is_ours(serving: Serving, token: str, proof: str, now: datetime) -> bool:
    stamp, _, _ = proof.partition(".")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return False
    made = serving.store.recipient_hash.token(f"form {token}", stamp)
    if not hmac.compare_digest(f"{stamp}.{made}".encode(), proof.encode("utf-8", "replace")):
        return False
    return abs(now.timestamp() - int(stamp)) <= _PROOF_LASTS.total_seconds()


def _is_one_click(body: bytes) -> bool:
    """Say whether a mail program asks, by itself: RFC 8058, the header List-Unsubscribe-Post."""
    return body.strip() == b"List-Unsubscribe=One-Click"


def _proof_in(body: bytes) -> str:
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("proof", [""])[0]


def _nowhere(serving: Serving) -> HTMLResponse:
    serving.refusals.note(PAGE, Refusal.UNKNOWN_LINK, "a link that leads nowhere")
    return _page("This link leads nowhere", "<p>Is it whole? Copy all of it.</p>", 404)


def _unavailable() -> HTMLResponse:
    answer = _page("Not now", "<p>Please try again in a minute: nothing was changed.</p>", 503)
    answer.headers["Retry-After"] = "60"
    return answer


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """Return a page; `body` is HTML, with everything that is not ours escaped in it."""
    head = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>",
        status_code=status,
        headers=_HEADERS,
    )
