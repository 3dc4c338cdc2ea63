"""`/o/{token}`: the page behind `{{ opt_out_link }}`, for senders that nobody can reply to.

A GET changes nothing, because mail and message programs open links by themselves. The button's
form carries a proof that only this page can make: another site cannot press it, and neither does
who only follows links.
"""

from __future__ import annotations

import hmac
import logging
import re
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
from smsnotify.web.pace import SPAN_S, caller_of
from smsnotify.web.page_words import PageWords, words_for
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving

log = logging.getLogger(__name__)

PAGE: Final = "opt_out_page"
SOURCE: Final = "link"
_FORM_LIMIT: Final = 4096
_PROOF_LASTS: Final = timedelta(hours=24)
_ONE_CLICK: Final = re.compile(
    rb'; name="?List-Unsubscribe"?\r\n(?:[^\r\n]+\r\n)*\r\nOne-Click\r\n--', re.IGNORECASE
)
_HEADERS: Final = {
    "Vary": "Accept-Language",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
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
    words = _words(request, serving)
    try:
        _must_not_guess(request, serving)
        link = await _find(serving, token)
        if link is None:
            return _nowhere(request, serving, words)
        words = _words(request, serving, link)
        proof = await serving.threads.short(partial(_proof, serving, token, serving.clock()))
    except RefusedError as error:
        return _refused(serving, words, error)
    except StoreError:
        return _unavailable(words)
    who = words.opt_out.ask_who.format(who=mask_number(link.recipient))
    return _page(
        words,
        words.opt_out.ask,
        f"<p>{escape(who)}</p>"
        f'<form method="post"><input type="hidden" name="proof" value="{escape(proof)}">'
        f'<button type="submit">{escape(words.opt_out.button)}</button></form>',
    )


async def opt_out(request: Request) -> HTMLResponse:
    """Opt the owner of the link out, if the form is the page's own."""
    serving: Serving = request.app.state.serving
    token = request.path_params["token"]
    words = _words(request, serving)
    try:
        _must_not_guess(request, serving)
        link = await _find(serving, token)
        if link is None:
            return _nowhere(request, serving, words)
        words = _words(request, serving, link)
        body = await read_body(request, _FORM_LIMIT)
        now = serving.clock()
        one_click = _is_one_click(body) and "@" in link.recipient
        if not one_click and not await serving.threads.short(
            partial(_is_ours, serving, token, _proof_in(body), now)
        ):
            serving.refusals.note(PAGE, Refusal.UNAUTHENTICATED, "a form that is not the page's")
            again = f'<a href="{escape(token)}">{escape(words.opt_out.again_link)}</a>'
            why = f"<p>{escape(words.opt_out.again_why)} {again}</p>"
            return _page(words, words.opt_out.again, why, 400)
        await serving.threads.short(partial(_carry_out, serving, link, words, now))
    except RefusedError as error:
        return _refused(serving, words, error)
    except StoreError as error:
        log.warning("an opt-out by link could not be stored: %s", error.message)
        return _unavailable(words)
    who = words.opt_out.done_who.format(who=mask_number(link.recipient))
    return _page(words, words.opt_out.done, f"<p>{escape(who)}</p>")


def _words(request: Request, serving: Serving, link: StoredLink | None = None) -> PageWords:
    """Return the words for whoever asks; nothing is known of the reader before the link is."""
    accepted = request.headers.get("accept-language", "")
    recipient, known = ("", ()) if link is None else (link.recipient, (link.language,))
    return words_for(recipient, known, accepted, serving.loaded.settings.language)


async def _find(serving: Serving, token: str) -> StoredLink | None:
    link = await serving.threads.short(partial(serving.store.find_link, token))
    usable = link is not None and link.kind == OPT_OUT and not link.is_over(serving.clock())
    return link if usable else None


def _carry_out(serving: Serving, link: StoredLink, words: PageWords, now: datetime) -> None:
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
        call_to_action=words.opt_out.button,
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
    """Say whether a mail program asks, by itself: RFC 8058, the header List-Unsubscribe-Post.

    It should ask as multipart/form-data, and may as an address writes it.
    """
    return body.strip() == b"List-Unsubscribe=One-Click" or bool(_ONE_CLICK.search(body))


def _proof_in(body: bytes) -> str:
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("proof", [""])[0]


def _must_not_guess(request: Request, serving: Serving) -> None:
    if serving.misses.is_spent(caller_of(request)):
        raise RefusedError(429, Refusal.TOO_OFTEN, "somebody guesses links")


def _refused(serving: Serving, words: PageWords, error: RefusedError) -> HTMLResponse:
    serving.refusals.note_error(PAGE, error)
    often = error.reason is Refusal.TOO_OFTEN
    why = words.told["too_often"] if often else words.opt_out.failed_why
    answer = _page(words, words.told["failed"], f"<p>{escape(why)}</p>", error.status)
    if often:
        answer.headers["Retry-After"] = str(int(SPAN_S))
    return answer


def _nowhere(request: Request, serving: Serving, words: PageWords) -> HTMLResponse:
    serving.misses.takes(caller_of(request))
    serving.refusals.note(PAGE, Refusal.UNKNOWN_LINK, "a link that leads nowhere")
    why = f"<p>{escape(words.opt_out.nowhere_why)}</p>"
    return _page(words, words.opt_out.nowhere, why, 404)


def _unavailable(words: PageWords) -> HTMLResponse:
    why = f"<p>{escape(words.told['not_now_why'])}</p>"
    answer = _page(words, words.told["not_now"], why, 503)
    answer.headers["Retry-After"] = "60"
    return answer


def _page(words: PageWords, title: str, body: str, status: int = 200) -> HTMLResponse:
    """Return a page; `body` is HTML, with everything that is not ours escaped in it."""
    head = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    return HTMLResponse(
        f'<!doctype html><html lang="{words.language}" dir="{words.direction}">'
        '<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>",
        status_code=status,
        headers=_HEADERS,
    )
