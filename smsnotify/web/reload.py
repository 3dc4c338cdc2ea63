"""Settings and rules, read again: on SIGHUP, or when their files change.

They are checked first and swapped whole. When something is wrong the old ones go on, and the
error is logged and counted.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, NamedTuple

from smsnotify.base.errors import RuleFileError, SmsNotifyError
from smsnotify.base.redact import scrub
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import (
    Loaded,
    Sources,
    Stamps,
    check_swap,
    load,
    read_settings,
    rule_files,
    settings_files,
    stamps,
)
from smsnotify.wiring.models import Settings

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0


class _Look(NamedTuple):
    """What the files look like: those of the settings, and the rules'."""

    settings: Stamps
    rules: Stamps


class Reloader:
    """Watches the files of one process, and swaps what they say."""

    def __init__(self, serving: Serving, sources: Sources) -> None:
        """The files are taken to be as they were read just now."""
        self._serving = serving
        self._sources = sources
        self._last_read = serving.loaded.settings  # of the last try, whether it was swapped in
        self._used = self._tried = self._look()
        self._lock = asyncio.Lock()

    async def watch(self, look_s: float = LOOK_S) -> None:
        """Read again whenever the files changed, until cancelled.

        A change counts when it has stood still for one look: an editor may be in the middle of it.
        """
        before = self._tried
        while True:
            await asyncio.sleep(look_s)
            now = await self._serving.threads.short(self._look)
            if now == before and now != self._tried:
                await self.reload()
                now = self._tried
            before = now

    async def reload(self) -> bool:
        """Read everything again; True when it was swapped in."""
        async with self._lock:
            try:
                loaded, look = await self._serving.threads.short(self._read)
            except Exception as error:
                # Whatever it is, the desk goes on as it was.
                self._serving.metrics.reloads.add("error")
                known = isinstance(error, SmsNotifyError | OSError)
                log.error(
                    "settings and rules were not read again, the old ones go on:",
                    exc_info=None if known else error,
                )
                for line in _told(error):
                    log.error("  %s", scrub(line))
                return False
            self._serving.swap(loaded, settings_too=look.settings != self._used.settings)
            self._used = look
            self._serving.metrics.reloads.add("ok")
            log.info("settings and rules were read again: %d rules", len(loaded.rules.rules))
            return True

    def _read(self) -> tuple[Loaded, _Look]:
        """Look first and read then: what changes in between shows at the next look."""
        before = self._tried = self._look()
        settings = self._last_read = read_settings(self._sources)
        look = self._look()  # the settings may name other files than before
        if _paths(look.settings) == _paths(before.settings):
            look = _Look(before.settings, look.rules)
        self._tried = look
        check_swap(self._serving.loaded.settings, settings)
        return load(settings, self._sources), look

    def _look(self) -> _Look:
        settings: Settings = self._last_read
        return _Look(stamps(settings_files(settings)), stamps(rule_files(settings, self._sources)))


def _paths(found: Stamps) -> list[str]:
    return [path for path, *_ in found]


def _told(error: Exception) -> list[str]:
    if isinstance(error, RuleFileError) and error.problems:
        return [str(problem) for problem in error.problems]
    return str(error).splitlines()
