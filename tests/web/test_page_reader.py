"""Visitors of tracking pages are served in portions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.store.feedback import TrackedJob
from smsnotify.web import page_reader
from smsnotify.web.page_reader import PageReader
from smsnotify.web.threads import Threads


def asked(find: Any, *tokens: str) -> list[Any]:
    """Ask for pages at the same moment; return what came of each."""
    threads = Threads()

    async def ask() -> list[Any]:
        reader = PageReader(threads, find)
        return await asyncio.gather(*map(reader.find, tokens), return_exceptions=True)

    try:
        return asyncio.run(ask())
    finally:
        threads.close()


def test_many_visitors_are_few_questions() -> None:
    portions: list[list[str]] = []

    def find(tokens: Sequence[str]) -> Mapping[str, TrackedJob]:
        portions.append(list(tokens))
        return {token: token for token in tokens if token != "nobody"}  # type: ignore[misc]

    told = asked(find, *(f"page{n % 50}" for n in range(100)), "nobody")
    assert told == [*(f"page{n % 50}" for n in range(100)), None]
    assert [len(portion) for portion in portions] == [32, 19]


def test_a_failure_reaches_everybody_and_the_next_ones_are_tried() -> None:
    failures: list[Exception] = [StoreError("away"), ValueError("odd")]

    def find(tokens: Sequence[str]) -> Mapping[str, TrackedJob]:
        if failures:
            raise failures.pop(0)
        return {}

    told = asked(find, *(f"page{n}" for n in range(70)))
    assert [type(one) for one in told] == [StoreError] * 64 + [type(None)] * 6
    assert "odd" not in str(told[40])


def test_a_database_that_does_not_keep_up_makes_no_endless_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_reader, "MOST_WAITING", 3)
    told = asked(lambda tokens: {}, "a", "b", "c", "d", "a")
    assert [type(one) for one in told].count(StoreUnavailableError) == 1


def test_who_goes_away_takes_the_page_from_nobody() -> None:
    threads = Threads()

    async def ask() -> Any:
        reader = PageReader(threads, lambda tokens: {"a": "page"})  # type: ignore[dict-item]
        going, staying = asyncio.create_task(reader.find("a")), reader.find("a")
        await asyncio.sleep(0)
        going.cancel()
        return await staying

    try:
        assert asyncio.run(ask()) == "page"
    finally:
        threads.close()
