"""The console's door: who is let in, who may change something, and what every answer carries.

A page's work is a plain function over a `Visit`; it runs in a thread of the console. `seen` wraps
one that only reads, `changed` one that a posted form asks for. A form is taken if the browser does
not say that another site sends it, if it carries the session's proof, and if its user may do that.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, tzinfo
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smsnotify.base.errors import SmsNotifyError, StoppedError, StoreError
from smsnotify.engine.auditing import Actor
from smsnotify.engine.logins import Known, form_proof, is_proof, session_of
from smsnotify.gates.zones import known_zone
from smsnotify.model.user import User
from smsnotify.store.store import Store
from smsnotify.web.answers import problem
from smsnotify.web.console.look import render
from smsnotify.web.limits import read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.same_site import form_of, is_same_site
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Loaded
from smsnotify.wiring.models import ConsoleSettings, Settings

log = logging.getLogger(__name__)

PAGE: Final = "console"
HOME: Final = "/console"
LOGIN: Final = "/console/login"
FORM_LIMIT: Final = 256 << 10
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

Work = Callable[["Visit"], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Visit:
    """One request of somebody who is logged in; made before its work, gone after."""

    def __init__(self, request: Request, known: Known | None, form: dict[str, str]) -> None:
        """`known` None: the pages before the door."""
        self.request = request
        self.serving: Serving = request.app.state.serving
        self.known = known
        self.form = form
        self.now = self.serving.clock()
        self.loaded: Loaded = self.serving.loaded

    @property
    def store(self) -> Store:
        """The books."""
        return self.serving.store

    @property
    def settings(self) -> Settings:
        """The settings that count now."""
        return self.loaded.settings

    @property
    def zone(self) -> tzinfo:
        """The firm's zone."""
        return known_zone(self.settings.timezone) or UTC

    @property
    def mode(self) -> str:
        """The mode whose books are shown."""
        return self.settings.mode.value

    @property
    def user(self) -> User:
        """Who is there."""
        assert self.known is not None
        return self.known.user

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit."""
        return Actor(self.user.name)

    def asked(self, name: str, most: int = 200) -> str:
        """Return a value of the query, trimmed, without what no page can show."""
        return clean(self.request.query_params.get(name, ""), most)

    def given(self, name: str, most: int = 200) -> str:
        """Return a one-line field of the form."""
        return clean(self.form.get(name, ""), most)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        frame = {
            "now": self.now,
            "zone": self.zone,
            "zone_name": self.settings.timezone,
            "mode": self.mode,
            "user": None if self.known is None else self.user,
            "proof": "" if self.known is None else form_proof(self.known.csrf),
            "paused": None,
            "waiting": 0,
            "q": "",
            "here": "",
            "told": "",
            "done": "",
            "is_part": self.request.headers.get("hx-request") == "true",
        }
        if self.known is not None:
            frame["paused"] = self.store.paused()
            frame["waiting"] = self.store.count_open_replies()
        return html(template, status, frame | values)

    def go(self, path: str, **query: str) -> Response:
        """Send the browser on, after something was done."""
        return go(path + (f"?{urlencode(query)}" if query else ""))

    def wrong(self, told: str, status: int = 400, *, title: str = "That did not work") -> Response:
        """Say what is wrong, on a page of its own."""
        return self.page("told.html", status, title=title, told=told)


def seen(work: Work, *, by_itself: bool = False) -> Endpoint:
    """Return a page's endpoint. `by_itself`: a page asks for it, and nobody need be there."""

    async def seen_by(request: Request) -> Response:
        serving: Serving = request.app.state.serving
        if not _console(serving).enabled:
            return _nothing()
        try:
            known = await _known(request, is_there=not by_itself)
            if known is None:
                return _to_login(request)
            return await serving.threads.console(partial(_safely, work, Visit(request, known, {})))
        except StoreError as error:
            return unavailable(request, error)

    return seen_by


def changed(work: Work, *, clerks: bool = True) -> Endpoint:
    """Return the endpoint of a form; with `clerks` of one that a viewer may not post."""

    async def changed_by(request: Request) -> Response:
        serving: Serving = request.app.state.serving
        if not _console(serving).enabled:
            return _nothing()
        try:
            form = await read_form(request)
            known = await _known(request)
            if known is None:
                return _to_login(request)
            if not is_proof(known.csrf, form.get("proof", "")):
                raise RefusedError(
                    403, Refusal.UNAUTHENTICATED, "This form is an old one. Load the page again."
                )
            if clerks and not known.user.is_clerk:
                raise RefusedError(
                    403, Refusal.UNAUTHENTICATED, "You may look, and change nothing: a clerk can."
                )
            visit = Visit(request, known, form)
            return await serving.threads.console(partial(_safely, work, visit))
        except RefusedError as error:
            return refused(request, error)
        except StoreError as error:
            return unavailable(request, error)

    return changed_by


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form.

    Raises:
        RefusedError: another site sends it, or it is too large.
    """
    if not is_same_site(request, request.app.state.serving.loaded.settings.public_url):
        raise RefusedError(403, Refusal.UNAUTHENTICATED, "Forms are sent from these pages alone.")
    return form_of(await read_body(request, FORM_LIMIT))


def refused(request: Request, error: RefusedError) -> Response:
    """Say why something was not taken; it is counted like every refused call."""
    request.app.state.serving.refusals.note_error(PAGE, error)
    return Visit(request, None, {}).wrong(error.message, error.status)


def cookie_name(serving: Serving) -> str:
    """Return the cookie's name; with https no other host and no plain page can set it."""
    return "__Host-sms-notify" if is_secure(serving) else "sms-notify"


def is_secure(serving: Serving) -> bool:
    """Say whether the world reaches us by https."""
    return serving.loaded.settings.public_url.startswith("https://")


def local_path(written: str) -> str:
    """Return a path of the console to go on to, its home for anything else."""
    try:
        parts = urlsplit(written)
    except ValueError:
        return HOME
    is_ours = not parts.scheme and not parts.netloc and written.startswith(HOME)
    if is_ours and written.isprintable() and "\\" not in written and len(written) < 1000:
        path = parts.path
        if (path == HOME or path.startswith(f"{HOME}/")) and ".." not in path:
            return written
    return HOME


def clean(written: str, most: int) -> str:
    """Return a line that can be shown and asked for."""
    return "".join(char for char in written[: most * 2] if char.isprintable()).strip()[:most]


def go(path: str) -> Response:
    """Send the browser on to a path of ours."""
    return RedirectResponse(path, 303, headers=HEADERS)


def html(name: str, status: int, values: dict[str, Any]) -> Response:
    """Return a rendered page."""
    return Response(render(name, values), status, headers=HEADERS, media_type="text/html")


def _safely(work: Work, visit: Visit) -> Response:
    """Do a page's work; what a person can act on is told on a page."""
    try:
        return work(visit)
    except StoreError:
        raise
    except StoppedError as error:
        return visit.wrong(error.message, 409)
    except SmsNotifyError as error:
        return visit.wrong(error.message, 400)


async def _known(request: Request, *, is_there: bool = True) -> Known | None:
    serving: Serving = request.app.state.serving
    token = request.cookies.get(cookie_name(serving), "")
    if not token:
        return None
    ask = partial(
        session_of,
        serving.store,
        token,
        serving.clock(),
        _console(serving).idle,
        is_there=is_there,
    )
    return await serving.threads.short(ask)


def _console(serving: Serving) -> ConsoleSettings:
    return serving.loaded.settings.console


def _nothing() -> Response:
    return problem(404, "not_found", "there is nothing at this address")


def _to_login(request: Request) -> Response:
    """Send somebody to the door, and back to what they wanted to see; a form they send again."""
    path = LOGIN
    if request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        if (wanted := local_path(f"{request.url.path}{query}")) != HOME:
            path += f"?next={quote(wanted, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers=HEADERS | {"HX-Redirect": LOGIN})
    return go(path)


def unavailable(request: Request, error: StoreError) -> Response:
    """Say that the database does not answer."""
    log.warning("a page of the console could not be made: %s", error.message)
    told = "The database does not answer. Try again in a minute; nothing was changed."
    values = {"title": "Not now", "told": told}
    visit = Visit(request, None, {})
    answer = visit.page("told.html", 503, **values)
    answer.headers["Retry-After"] = "60"
    return answer
