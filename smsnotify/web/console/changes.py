"""`/console/changes`: what people changed, here and by commands."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.web.console.door import HOME, Visit, seen

_PAGE: Final = 100


def show(visit: Visit) -> Response:
    """Show the audit, the newest first."""
    who = visit.asked("who", 64)
    found = visit.store.list_changes(who=who, before=visit.asked("before", 26), limit=_PAGE + 1)
    return visit.page(
        "changes.html",
        here="changes",
        who=who,
        changes=found[:_PAGE],
        more=found[_PAGE - 1].id if len(found) > _PAGE else "",
    )


ROUTES: Final = (Route(f"{HOME}/changes", seen(show), methods=["GET"]),)
