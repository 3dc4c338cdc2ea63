"""The pages before the door: logging in and out; and one's own password.

Before somebody is known, their form carries the proof of a cookie of its own, so that no other
site logs a browser in. That cookie never becomes a session: who logs in gets a new one. A third one
stays: the browser's pass, which lets in nobody, and keeps its owner from being locked out.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.base.errors import StoreError, UsageError
from smsnotify.engine.logins import (
    Refused,
    change_own,
    csrf_of,
    form_proof,
    is_proof,
    log_in,
    log_out,
)
from smsnotify.engine.passwords import SHORTEST
from smsnotify.web.answers import problem
from smsnotify.web.console.door import (
    HOME,
    LOGIN,
    PAGE,
    Visit,
    changed,
    clean,
    cookie_name,
    go,
    html,
    is_secure,
    local_path,
    read_form,
    refused,
    seen,
    unavailable,
)
from smsnotify.web.pace import caller_of
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving

_BEFORE: Final = "-door"
_BEFORE_LASTS: Final = timedelta(hours=1)
_BROWSER: Final = "-browser"
_BROWSER_LASTS: Final = timedelta(days=180)
_DONE: Final = {
    "out": "You are logged out.",
    "password": "Your password is changed. Your other sessions have ended.",
}


async def show_login(request: Request) -> Response:
    """Show the form."""
    serving: Serving = request.app.state.serving
    if not serving.loaded.settings.console.enabled:
        return problem(404, "not_found", "there is nothing at this address")
    told = _DONE.get(request.query_params.get("done", ""), "")
    return await _form(request, request.query_params.get("next", ""), told=told)


async def take_login(request: Request) -> Response:
    """Let somebody in who knows a password."""
    serving: Serving = request.app.state.serving
    if not serving.loaded.settings.console.enabled:
        return problem(404, "not_found", "there is nothing at this address")
    try:
        form = await read_form(request)
        before = request.cookies.get(_before(serving), "")
        wanted = form.get("next", "")
        if not before or not is_proof(csrf_of(before), form.get("proof", "")):
            told = "That form was an old one. Try again."
            return await _form(request, wanted, error=told, status=403)
        name = form.get("name", "")
        work = partial(
            log_in,
            serving.store,
            name,
            form.get("password", ""),
            caller_of(request),
            serving.clock(),
            serving.loaded.settings.console.session,
            browser=_browser_of(request),
        )
        came = await serving.threads.logins(work)
    except RefusedError as error:
        return refused(request, error)
    except StoreError as error:
        return unavailable(request, error)
    if isinstance(came, Refused):
        return await _keep_out(request, clean(name, 64), wanted, came.until)
    answer = go(local_path(wanted))
    lasting = int(serving.loaded.settings.console.session.total_seconds())
    _set_cookie(answer, serving, cookie_name(serving), came.token, lasting)
    _set_cookie(answer, serving, _before(serving), "", 0)
    known_s = int(_BROWSER_LASTS.total_seconds())
    _set_cookie(answer, serving, cookie_name(serving) + _BROWSER, came.browser, known_s)
    return answer


async def _keep_out(request: Request, name: str, wanted: str, until: datetime | None) -> Response:
    """Say the same to everybody: whether there is such a user is nobody's business."""
    serving: Serving = request.app.state.serving
    if until is None:
        serving.refusals.note(PAGE, Refusal.UNAUTHENTICATED, "a wrong name or password")
        told = "That name and password do not belong together."
        return await _form(request, wanted, name=name, error=told, status=403)
    serving.refusals.note(PAGE, Refusal.TOO_OFTEN, "too many wrong passwords")
    wait_s = max(int((until - serving.clock()).total_seconds()), 1)
    told = f"Too many tries. Wait {-(-wait_s // 60)} minutes, then try again."
    answer = await _form(request, wanted, name=name, error=told, status=429)
    answer.headers["Retry-After"] = str(wait_s)
    return answer


async def _form(
    request: Request,
    wanted: str,
    *,
    name: str = "",
    told: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    serving: Serving = request.app.state.serving
    token = request.cookies.get(_before(serving), "") or secrets.token_urlsafe(32)
    try:
        has_users = bool(await serving.threads.short(serving.store.list_users))
    except StoreError as failure:
        return unavailable(request, failure)
    values = {
        "now": serving.clock(),
        "proof": form_proof(csrf_of(token)),
        "next": local_path(wanted),
        "name": name,
        "told": told,
        "error": error,
        "has_users": has_users,
    }
    answer = html("login.html", status, values)
    lasting = int(_BEFORE_LASTS.total_seconds())
    _set_cookie(answer, serving, _before(serving), token, lasting)
    return answer


def leave(visit: Visit) -> Response:
    """End the session."""
    serving = visit.serving
    log_out(visit.store, visit.request.cookies.get(cookie_name(serving), ""))
    answer = visit.go(LOGIN, done="out")
    _set_cookie(answer, serving, cookie_name(serving), "", 0)
    return answer


def show_own(visit: Visit) -> Response:
    """Show who one is, and a form for another password."""
    return visit.page("own.html", done=_DONE.get(visit.asked("done"), ""), shortest=SHORTEST)


def change_password(visit: Visit) -> Response:
    """Give oneself another password."""
    assert visit.known is not None
    form = visit.form
    error, status = "", 400
    try:
        if form.get("password", "") != form.get("again", ""):
            raise UsageError("the two new passwords differ")
        came = change_own(
            visit.store,
            visit.known,
            form.get("old", ""),
            form.get("password", ""),
            caller_of(visit.request),
            visit.now,
            browser=_browser_of(visit.request),
        )
    except UsageError as wrong:
        error = wrong.message
    else:
        if came is True:
            return visit.go("/console/own", done="password")
        if came is False:
            error, status = "the old password is wrong", 403
        else:
            error, status = "too many wrong passwords; wait a quarter of an hour", 429
    return visit.page("own.html", status, told=error, shortest=SHORTEST)


def _before(serving: Serving) -> str:
    return cookie_name(serving) + _BEFORE


def _browser_of(request: Request) -> str:
    """Return the pass of a browser that somebody has logged in from."""
    return request.cookies.get(cookie_name(request.app.state.serving) + _BROWSER, "")


def _set_cookie(answer: Response, serving: Serving, name: str, value: str, lasting: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=lasting,
        path="/",
        secure=is_secure(serving),
        httponly=True,
        samesite="lax",
    )


ROUTES: Final = (
    Route(LOGIN, show_login, methods=["GET"]),
    Route(LOGIN, take_login, methods=["POST"]),
    Route(f"{HOME}/logout", changed(leave, clerks=False), methods=["POST"]),
    Route(f"{HOME}/own", seen(show_own), methods=["GET"]),
    Route(f"{HOME}/own", changed(change_password, clerks=False), methods=["POST"]),
)
