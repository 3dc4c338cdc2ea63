"""The door to apprise: one alarm to every address of an account, in a thread of its own.

The library catches what goes wrong and says no. When it took about as long as it waits for an
answer, the far end may have the alarm; a quick no is a refusal, or nobody there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from smsnotify.base.errors import ConfigError
from smsnotify.model.alarm import Alarm, AlarmWord
from smsnotify.providers.base import AlarmProvider

T = TypeVar("T")

CONNECT_S: Final = 4.0
ANSWER_S: Final = 8.0
"""How long apprise waits for a line, and for the answer."""

_THREADS: Final = 16
_NEARLY: Final = 0.9
_REMEMBERED: Final = 1000
EXTRA: Final = "pip install 'sms-notify[alarms]'"


class AlarmCarrier:
    """Keeps the addresses of accounts as the library reads them, and who has which alarm.

    So that an alarm that some addresses took and some did not is told again to the others alone;
    after a crash it is told to all of them.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Load nothing yet: the library comes with the first alarm."""
        self._places: dict[int, tuple[Any, ...]] = {}
        self._told: OrderedDict[str, set[int]] = OrderedDict()
        # Not the loop's own threads: those look up names for texts, and slow chats would take them.
        self._pool: ThreadPoolExecutor | None = None
        self._monotonic = monotonic

    async def send(self, provider: AlarmProvider, message_id: str, alarm: Alarm) -> list[AlarmWord]:
        """Tell every address that has not got this alarm; return a word of each, in order.

        A thread that is given up goes on by itself: the caller's time-out ends the wait, not the
        call.

        Raises:
            ConfigError: apprise is not installed, or an address cannot be read.
        """
        places = await self._in_thread(self._known, provider)
        told = self._of(message_id)
        words = await asyncio.gather(
            *(
                self._in_thread(self._tell, place, number, told, alarm)
                for number, place in enumerate(places)
            )
        )
        return list(words)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sms-notify-alarms")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        """Take no more alarms; a call that is under way goes on by itself."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    def check(self, provider: AlarmProvider) -> list[AlarmWord]:
        """Say of each address whether the library can read it; nobody is told anything.

        Raises:
            ConfigError: apprise is not installed, or an address cannot be read.
        """
        return [
            AlarmWord.NO_ADDRESS if place is None else AlarmWord.TOOK
            for place in self._known(provider)
        ]

    def _known(self, provider: AlarmProvider) -> tuple[Any, ...]:
        places = self._places.get(id(provider))
        if places is None:
            places = self._places[id(provider)] = _read(provider)
        return places

    def _of(self, message_id: str) -> set[int]:
        told = self._told.setdefault(message_id, set())
        self._told.move_to_end(message_id)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return told

    def _tell(self, place: Any, number: int, told: set[int], alarm: Alarm) -> AlarmWord:
        if number in told:
            return AlarmWord.TOOK
        if place is None:
            return AlarmWord.NO_ADDRESS
        began = self._monotonic()
        try:
            took = place.notify(body=alarm.body, title=alarm.title, body_format="text")
        except Exception:
            # A plug-in that stumbles may have sent it before; what it raises may hold a token.
            return AlarmWord.SILENT
        if took:
            told.add(number)
            return AlarmWord.TOOK
        waited = self._monotonic() - began
        return AlarmWord.SILENT if waited >= ANSWER_S * _NEARLY else AlarmWord.REFUSED


def _read(provider: AlarmProvider) -> tuple[Any, ...]:
    """Return what the library makes of an account's addresses, None for what it cannot read."""
    addresses = provider.addresses()
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise ConfigError(
            "alarms need the package apprise, the extra `alarms`", hint=EXTRA
        ) from None
    # Its log tells of addresses, and those hold tokens; what matters is in the outcome.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = AppriseAsset(app_id="sms-notify", app_desc="sms-notify", plugin_paths=[])
    return tuple(_place(Apprise.instantiate(one, asset=asset)) for one in addresses)


def _place(read: Any) -> Any:
    if not read:
        return None
    read.socket_connect_timeout, read.socket_read_timeout = CONNECT_S, ANSWER_S
    return read
