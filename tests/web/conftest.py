"""The web door without a socket, and with one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from web_desk import Caller, write_desk

from smsnotify.base.clock import Clock
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.web.app import create_app
from smsnotify.web.server import open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings


@pytest.fixture
def sources(tmp_path: Path, sqlite_url: str) -> Sources:
    """Settings and rules in a folder of their own, with an empty database."""
    return Sources(config=write_desk(tmp_path), database=sqlite_url)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """The desk's books."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
def serving(store: Store, sources: Sources, clock: Clock) -> Iterator[Serving]:
    """A desk that is set up."""
    made = Serving(store, load(read_settings(sources), sources), clock=clock)
    yield made
    made.close()


@pytest.fixture
def client(serving: Serving) -> Iterator[Caller]:
    """A caller of the desk, without a socket between them."""
    made = Caller(create_app(serving))
    yield made
    made.close()


@pytest.fixture
def key(store: Store, clock: Clock) -> str:
    """An API key in use."""
    made = make_key()
    assert store.add_key("test", hash_key(made), clock())
    return made


Served = Callable[..., Any]


@pytest.fixture
def running(serving: Serving, sources: Sources) -> Served:
    """Run the whole server in a thread: `with running() as url`."""

    @contextmanager
    def run(**options: Any) -> Iterator[str]:
        listener = open_socket("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        thread = threading.Thread(
            target=loop.run_until_complete,
            args=(serve(serving, sources, listener, stop=stop, **options),),
        )
        thread.start()
        try:
            yield url
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(15)
            assert not thread.is_alive()
            loop.close()

    return run
