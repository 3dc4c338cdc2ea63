"""`/t/{token}`: where somebody sees their job, and rates it when it is over.

A GET changes nothing, because mail and message programs open links by themselves; that a browser
opened the page is noted. A rating is taken from the page's own form alone: it carries a proof that
only this page can make, the browser must not say that another site sends it, and there is no
cookie that another site could ride on. An unknown token, one that is over and one of another kind
of page are refused alike.
"""

from __future__ import annotations

import hmac
import logging
import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smsnotify.base.errors import StoppedError, StoreError
from smsnotify.engine.feedback import MOST_COMMENT, STARS, feedback_line
from smsnotify.engine.posted import take_posted
from smsnotify.store.feedback import Rating, TrackedJob
from smsnotify.store.hashing import TOKEN_LENGTH
from smsnotify.text.languages import ENGLISH
from smsnotify.web.answers import etag_of, unchanged
from smsnotify.web.limits import read_body
from smsnotify.web.pace import SPAN_S, Pace, caller_of
from smsnotify.web.page_views import PageViews
from smsnotify.web.page_words import PageWords, page_words, words_for
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.same_site import form_of, is_same_site
from smsnotify.web.state import Serving
from smsnotify.web.tracking_look import Look, look_of, template
from smsnotify.web.tracking_view import EDITABLE, View, is_over, languages_in, origins, view_of

log = logging.getLogger(__name__)

PAGE: Final = "tracking_page"
_TOKEN: Final = re.compile(f"[0-9A-Za-z]{{{TOKEN_LENGTH}}}")
_FORM_LIMIT: Final = 16_384
_PER_LINK: Final = 20
_PER_ADDRESS: Final = 60
_DAY_S: Final = 24 * 60 * 60
# `no-referrer` would make browsers hide the origin of our own form too.
_HEADERS: Final = {"Referrer-Policy": "same-origin", "Vary": "Accept-Language"}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:{photos}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _UnwillingError(RefusedError):
    """A rating that is not taken: the log gets it in English, its reader in `words`."""

    def __init__(self, status: int, reason: Refusal, words: PageWords, key: str) -> None:
        super().__init__(status, reason, page_words(ENGLISH).told[key])
        self.words = words
        self.key = key


class Tracking:
    """The look of the settings that count now, and how often ratings come."""

    def __init__(self, serving: Serving) -> None:
        """Nothing is read before the first visitor comes."""
        self.serving = serving
        self.by_link = Pace(_PER_LINK, SPAN_S)
        self.by_address = Pace(_PER_ADDRESS, SPAN_S)
        self.views = PageViews(serving)
        self._made: tuple[object, Look] | None = None

    def look(self) -> Look:
        """Return how pages look now."""
        loaded = self.serving.loaded
        if self._made is None or self._made[0] is not loaded:
            self._made = (loaded, look_of(loaded))
        return self._made[1]


def tracking_of(request: Request) -> Tracking:
    """Return what the requests of one application share."""
    state = request.app.state
    if not hasattr(state, "tracking"):
        state.tracking = Tracking(state.serving)
    made: Tracking = state.tracking
    return made


async def show_page(request: Request) -> Response:
    """Show where a job is."""
    tracking = tracking_of(request)
    serving, look = tracking.serving, tracking.look()
    token = request.path_params["token"]
    now = serving.clock()
    words = _words(request, look)
    if serving.misses.is_spent(caller_of(request)):
        serving.refusals.note(PAGE, Refusal.TOO_OFTEN, "somebody guesses links")
        return _told(look, words, words.told["failed"], words.told["too_often"], 429)
    try:
        tracked = await _find(serving, look, token, now)
    except StoreError:
        return _unavailable(look, words)
    if tracked is None:
        return _nowhere(request, serving, look, words)
    words = _words(request, look, tracked)
    view = _view(tracked, look, words, now)
    page = _page(serving, look, words, token, view, now)
    if tracked.recipient not in look.no_raters:  # the firm's own people look for work
        tracking.views.note(request, tracked, now)
    return unchanged(request, page) or page


async def rate(request: Request) -> Response:
    """Take a rating, if it is given on the page's own form."""
    tracking = tracking_of(request)
    serving, look = tracking.serving, tracking.look()
    token = request.path_params["token"]
    now = serving.clock()
    try:
        return await _rate(request, tracking, look, token, now)
    except RefusedError as error:
        serving.refusals.note_error(PAGE, error)
        words, told = _words(request, look), error.message
        if isinstance(error, _UnwillingError):
            words, told = error.words, error.words.told[error.key]
        title = words.told["failed"]
        return _told(look, words, title, told, error.status, back=_back(token))
    except (StoreError, StoppedError) as error:
        log.warning("a rating could not be stored: %s", error.message)
        return _unavailable(look, _words(request, look))


async def _rate(
    request: Request, tracking: Tracking, look: Look, token: str, now: datetime
) -> Response:
    serving = tracking.serving
    words = _words(request, look)
    caller = caller_of(request)
    if serving.misses.is_spent(caller) or not tracking.by_address.takes(caller):
        raise _too_often(words)
    _must_be_ours(request, serving, words)
    tracked = await _find(serving, look, token, now)
    if tracked is None:
        return _nowhere(request, serving, look, words)
    words = _words(request, look, tracked)
    if not tracking.by_link.takes(token):
        raise _too_often(words)
    form = form_of(await read_body(request, _FORM_LIMIT))
    if not _is_ours(serving, token, form.get("proof", ""), now):
        raise _UnwillingError(403, Refusal.UNAUTHENTICATED, words, "old_form")
    view = _view(tracked, look, words, now)
    if not view.can_rate:
        raise _UnwillingError(409, Refusal.UNREADABLE, words, "not_ratable")
    rating, told = _rating(form, words)
    if told:
        return _page(serving, look, words, token, view, now, status=400, told=told, rating=rating)
    kept = await serving.threads.intake(partial(_keep, serving, look, words, token, rating, now))
    if not kept:
        raise _UnwillingError(409, Refusal.UNREADABLE, words, "rated_before")
    return RedirectResponse(token, 303, headers=_HEADERS | {"Cache-Control": "no-store"})


def _keep(
    serving: Serving, look: Look, words: PageWords, token: str, rating: Rating, now: datetime
) -> bool:
    """Tell the rules, then keep the rating: told twice is a duplicate, kept untold a loss."""
    # The newest snapshot: this thread alone writes it.
    tracked = serving.store.find_tracked([token]).get(token)
    if tracked is None or not _view(tracked, look, words, now).can_rate:
        return False
    if tracked.rated is None or tracked.rated.rating != rating:
        line = feedback_line(tracked.job.snapshot, tracked.job.state.phase, rating, now)
        posted = take_posted(serving.intake("auto"), [line], serving.clock, go_on=serving.go_on)
        serving.metrics.note_posted(PAGE, posted)
        if posted.rejected_count:
            log.warning("a rating became no event: %s", posted.rejected[0].message)
            raise _UnwillingError(500, Refusal.UNREADABLE, words, "not_taken")
    return serving.store.keep_rating(token, tracked, rating, now, now - EDITABLE)


async def show_asset(request: Request) -> Response:
    """Give style, script, colour or logo."""
    look = tracking_of(request).look()
    found = look.assets.get(request.path_params["name"])
    if found is None or not look.settings.enabled:
        words = _words(request, look)
        return _told(look, words, words.told["nothing"], words.told["nothing_why"], 404)
    content, kind = found
    headers = _HEADERS | {
        "Cache-Control": "public, max-age=3600",
        "ETag": etag_of(content),
        # A logo that is opened by itself runs nothing either.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    asset = Response(content, headers=headers, media_type=kind)
    return unchanged(request, asset) or asset


async def _find(serving: Serving, look: Look, token: str, now: datetime) -> TrackedJob | None:
    if not look.settings.enabled or not _TOKEN.fullmatch(token):
        return None
    tracked = await serving.pages.find(token)
    if tracked is None or is_over(tracked.job, look.settings.keep_days, look.timezone, now):
        return None
    return tracked


def _words(request: Request, look: Look, tracked: TrackedJob | None = None) -> PageWords:
    """Return the words for whoever asks; nothing is known of the reader before the page is."""
    accepted = request.headers.get("accept-language", "")
    if tracked is None:
        return words_for("", (), accepted, look.language)
    known = (tracked.language, *languages_in(tracked.job, look.language_fields))
    return words_for(tracked.recipient, known, accepted, look.language)


def _view(tracked: TrackedJob, look: Look, words: PageWords, now: datetime) -> View:
    rates = tracked.recipient not in look.no_raters
    return view_of(tracked, look.settings, look.timezone, now, words, rates=rates)


def _must_be_ours(request: Request, serving: Serving, words: PageWords) -> None:
    """Refuse a form that a browser says another site sends."""
    if not is_same_site(request, serving.loaded.settings.public_url):
        raise _UnwillingError(403, Refusal.UNAUTHENTICATED, words, "elsewhere")


def _rating(form: dict[str, str], words: PageWords) -> tuple[Rating, str]:
    """Return what was rated, and what is wrong with it."""
    goods, driver = _stars(form.get("goods", "")), _stars(form.get("driver", ""))
    comment = form.get("comment", "").replace("\r\n", "\n").replace("\0", "").strip()
    rating = Rating(goods=goods or None, driver=driver or None, comment=comment[:MOST_COMMENT])
    if goods is None or driver is None:
        return rating, words.told["bad_stars"]
    if len(comment) > MOST_COMMENT:
        told = words.told["long_comment"]
        return rating, told.format(most=MOST_COMMENT, count=len(comment))
    return rating, "" if goods or driver or comment else words.told["empty_rating"]


def _stars(written: str) -> int | None:
    """Return 1 to 5, 0 for nothing chosen, None for what is neither."""
    if not written:
        return 0
    return int(written) if written in {str(n) for n in STARS} else None


def _proof(serving: Serving, token: str, day: int) -> str:
    return f"{day}.{serving.store.recipient_hash.token(f'form tracking {token}', str(day))}"


def _is_ours(serving: Serving, token: str, proof: str, now: datetime) -> bool:
    """Say whether a form is of this page, from today or yesterday."""
    today, given = _day_of(now), proof.encode("utf-8", "replace")
    days = (today, today - 1)
    made = [_proof(serving, token, day).encode() for day in days]
    return any(hmac.compare_digest(one, given) for one in made)


def _day_of(now: datetime) -> int:
    return int(now.timestamp() // _DAY_S)


def _page(
    serving: Serving,
    look: Look,
    words: PageWords,
    token: str,
    view: View,
    now: datetime,
    *,
    status: int = 200,
    told: str = "",
    rating: Rating | None = None,
) -> Response:
    if rating is None:
        rating = view.rated.rating if view.rated is not None else Rating()
    proof = _proof(serving, token, _day_of(now)) if view.can_rate else ""
    photos = "".join(f" {origin}" for origin in origins(view.photos))
    page = _render(
        look,
        "tracking.html",
        status,
        photos,
        words,
        view=view,
        token=token,
        proof=proof,
        told=told,
        rating=rating,
    )
    page.headers["ETag"] = etag_of(bytes(page.body))
    page.headers["Cache-Control"] = "private, no-cache" if status == 200 else "no-store"
    return page


def _nowhere(request: Request, serving: Serving, look: Look, words: PageWords) -> Response:
    serving.misses.takes(caller_of(request))
    serving.refusals.note(PAGE, Refusal.UNKNOWN_LINK, "a link that leads nowhere")
    return _told(look, words, words.told["nowhere"], words.told["nowhere_why"], 404)


def _unavailable(look: Look, words: PageWords) -> Response:
    answer = _told(look, words, words.told["not_now"], words.told["not_now_why"], 503)
    answer.headers["Retry-After"] = "60"
    return answer


def _too_often(words: PageWords) -> RefusedError:
    return _UnwillingError(429, Refusal.TOO_OFTEN, words, "too_often")


def _back(token: str) -> str:
    return token if _TOKEN.fullmatch(token) else ""


def _told(
    look: Look, words: PageWords, title: str, told: str, status: int, *, back: str = ""
) -> Response:
    page = _render(look, "tracking_told.html", status, "", words, title=title, told=told, back=back)
    page.headers["Cache-Control"] = "no-store"
    if status == 429:
        page.headers["Retry-After"] = str(int(timedelta(seconds=SPAN_S).total_seconds()))
    return page


def _render(
    look: Look, name: str, status: int, photos: str, words: PageWords, **values: Any
) -> Response:
    text = template(name).render(look=look, words=words, **values)
    headers = _HEADERS | {"Content-Security-Policy": _POLICY.format(photos=photos)}
    return Response(text, status, headers=headers, media_type="text/html")
