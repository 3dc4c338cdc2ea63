"""Texts about jobs that bring no tracking link of their own lead to our page. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from smsnotify.model.decision import Draft
from smsnotify.model.event import Event


def wants_page(draft: Draft) -> bool:
    """Say whether a text leads to our own tracking page, where there is one.

    It does where the rule wants a link and the job brings none.
    """
    return draft.terms.tracking_link != "none" and _lacks_link(draft.event)


def _lacks_link(event: Event) -> bool:
    return not event.job.tracking_link and event.subject.startswith(_OF_A_JOB)


_OF_A_JOB = ("id:", "do:")  # interactions and replies are about no delivery


def with_pages(draft: Draft, link_of: Callable[[str, str], str], to: str) -> Draft:
    """Lead to our own page about each job that brings no link, where the rule wants one."""
    if draft.terms.tracking_link == "none":
        return draft
    if draft.others:
        others = tuple([_with_page(event, link_of, to) for event in draft.others])
        draft = msgspec.structs.replace(draft, others=others)
    event = _with_page(draft.event, link_of, to)
    return draft if event is draft.event else msgspec.structs.replace(draft, event=event)


def _with_page(event: Event, link_of: Callable[[str, str], str], to: str) -> Event:
    if not _lacks_link(event):
        return event
    job = msgspec.structs.replace(event.job, tracking_link=link_of(event.subject, to))
    return msgspec.structs.replace(event, job=job)
