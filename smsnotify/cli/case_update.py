"""`--update` of `rules test` and `plans test`: writes what the tests would have to expect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smsnotify.base.errors import StoppedError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.engine.playing import Played
from smsnotify.plans.case_edit import edited


def update_cases(desk: Desk, played: Sequence[Played]) -> None:
    """Write new expectations into the test files, and say where.

    Raises:
        RuleError: a step cannot be changed alone.
        StoppedError: a file cannot be written.
    """
    count = sum(len(one.wanted) for one in played)
    for file in dict.fromkeys(one.case.file for one in played):
        some = [one for one in played if one.case.file == file]
        changes = {
            (one.case.place, step): keys for one in some for step, keys in one.wanted.items()
        }
        if changes:
            _rewrite(Path(file), edited(_text(Path(file)), changes))
        _tell(desk, file, some)
    if not desk.json:
        steps = "1 step" if count == 1 else f"{count} steps"
        look = "read the difference, then run the tests again" if count else "run the tests again"
        show.say(f"{steps} rewritten: {look}")


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def _rewrite(path: Path, text: str) -> None:
    had_mark = path.read_bytes().startswith(b"\xef\xbb\xbf")
    try:
        path.write_text(text, encoding="utf-8-sig" if had_mark else "utf-8", newline="")
    except OSError as error:
        raise StoppedError(f"cannot write {path}: {error.strerror}") from None


def _tell(desk: Desk, file: str, played: Sequence[Played]) -> None:
    for one in played:
        case, failure = one.case, one.failure
        lines = [case.lines[step] for step in one.wanted]
        problem = ""
        if failure is not None and failure.cannot:
            problem = f"{failure.step}: {failure.differences[0].got}"
        if desk.json:
            row = {"type": "updated", "file": file, "name": case.name, "lines": lines}
            show.emit_json(row | {"problem": problem})
            continue
        if lines:
            told = ", ".join(map(str, lines))
            show.say(f"{file}: {case.name}: rewritten, line {told}", "yellow")
        if problem and failure is not None:
            show.say(f"{file}:{failure.line}: {case.name}: {problem}", "red")
