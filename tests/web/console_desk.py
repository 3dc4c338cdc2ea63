"""People at the console: browsers without a socket, with their cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from web_desk import Caller

from smsnotify.engine.auditing import Actor
from smsnotify.engine.logins import add_user
from smsnotify.model.user import Role
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving

WORDS = "correct horse battery"
CONSOLE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class Person:
    """A browser of somebody."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.cookies: dict[str, str] = {}
        self._caller = Caller(create_app(serving))

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Open a page."""
        return self._ask("GET", path, headers)

    def post(
        self, path: str, form: dict[str, str], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a form."""
        return self._ask("POST", path, headers, data=form)

    def do(self, path: str, **form: str) -> httpx.Response:
        """Send a form with the proof that a page gave."""
        return self.post(path, {"proof": self.proof("/console/own"), **form})

    def proof(self, path: str) -> str:
        """Return the proof in a page's forms."""
        found = re.search(r'name="proof" value="(\w+)"', self.get(path).text)
        assert found, path
        return found[1]

    def log_in(self, name: str, password: str = WORDS, **more: str) -> httpx.Response:
        """Log in by the form."""
        form = {"name": name, "password": password, "proof": self.proof("/console/login"), **more}
        return self.post("/console/login", form)

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None, **more: Any
    ) -> httpx.Response:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self._caller.request(method, path, headers=sent | (headers or {}), **more)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0].strip('"')
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def close(self) -> None:
        """Close the browser."""
        self._caller.close()


@contextmanager
def at_the_desk(serving: Serving) -> Iterator[Person]:
    """Give a browser; the desk has a clerk and a viewer."""
    if not serving.store.list_users():
        for role in Role:
            actor = Actor("root", "cli")
            add_user(serving.store, role.value, role, WORDS, actor, serving.clock())
    person = Person(serving)
    try:
        yield person
    finally:
        person.close()
