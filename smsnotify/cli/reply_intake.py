"""One input of recorded texts from people: its lines stored, the bad ones told and kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from smsnotify.base.errors import EventError, UsageError
from smsnotify.cli import show
from smsnotify.cli.decided import rejected_line
from smsnotify.cli.reply_lines import reply_json
from smsnotify.cli.working import Working
from smsnotify.engine.intake import Rejected
from smsnotify.engine.recorded import Recorder
from smsnotify.engine.rejects import RejectFile, rejects_path
from smsnotify.events.blocks import STDIN, open_file, standard_input
from smsnotify.model.message import InboundMessage
from smsnotify.store.replies import WantedReplies
from smsnotify.wiring import build

_AT_ONCE: Final = 500


class ReplyIntake:
    """Takes one file in; `account` is for lines that name none."""

    def __init__(self, working: Working, file: str, account: str) -> None:
        """Nothing is read yet.

        Raises:
            UsageError: there is no such account.
        """
        settings = working.desk.settings
        accounts = build.real_accounts(settings) or build.accounts(settings)
        if account and account not in accounts:
            raise UsageError(
                f"there is no account {account!r}", hint=f"it is one of {', '.join(accounts)}"
            )
        default = account or (next(iter(accounts)) if len(accounts) == 1 else "")
        self._working = working
        self._file = file
        self._recorder = Recorder(accounts, default=default, country=settings.country)
        self._began = working.clock()
        self._portion: dict[str, list[InboundMessage]] = {}
        self._new = 0

    def take(self) -> None:
        """Store every text of the file, once each."""
        working, desk = self._working, self._working.desk
        rejects = RejectFile(rejects_path(self._file, self._began))
        try:
            for number, line in self._lines():
                working.tally.lines += 1
                if line.strip():
                    self._take_line(number, line, rejects)
            self._note()
        finally:
            rejects.close()
        if rejects.count:
            noun = "line" if rejects.count == 1 else "lines"
            desk.warn(f"{rejects.count} {noun} rejected: see {rejects.path}")
        if known := working.tally.events - self._new:
            desk.note(f"{known} known already: nothing is answered twice")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        stream = standard_input() if self._file == STDIN else open_file(self._file)
        try:
            yield from enumerate(stream, 1)
        finally:
            if stream is not getattr(sys.stdin, "buffer", None):
                stream.close()

    def _take_line(self, number: int, line: bytes, rejects: RejectFile) -> None:
        working = self._working
        try:
            name, texts = self._recorder.read(line)
        except EventError as error:
            rejected = Rejected(
                source=self._file,
                line=number,
                reason="not_a_reply",
                message=error.message,
                raw=line.rstrip(b"\r\n"),
                hint=error.hint,
            )
            working.tally.rejected += 1
            rejects.add([rejected])
            if working.desk.json:
                show.emit_json(rejected.as_json())
            else:
                working.desk.warn(rejected_line(rejected))
            return
        working.tally.events += len(texts)
        self._portion.setdefault(name, []).extend(texts)
        if sum(map(len, self._portion.values())) >= _AT_ONCE:
            self._note()

    def _note(self) -> None:
        working = self._working
        for name, texts in self._portion.items():
            self._new += working.store.note_replies(name, texts, working.clock())
        self._portion.clear()

    def show(self) -> None:
        """Print what each new text was taken for, oldest first, where somebody wants to see it."""
        desk = self._working.desk
        if not (desk.json or desk.verbosity):
            return
        found = self._working.store.list_replies(WantedReplies(since=self._began), None)
        for reply in reversed(found):
            if desk.json:
                show.emit_json(reply_json(reply))
            else:
                show.say(f"{reply.verdict or reply.state}  {reply.body}")
