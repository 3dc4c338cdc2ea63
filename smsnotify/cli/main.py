"""The entry point: runs a command and turns whatever happens into a sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

from smsnotify import __version__
from smsnotify.base.errors import RuleFileError, SmsNotifyError
from smsnotify.base.printable import printable

DEBUG_VARIABLE: Final = "SMS_NOTIFY_DEBUG"
INTERRUPTED: Final = 130
STOPPED: Final = 3


def main() -> int:
    """Run the command line of this process and return the exit code."""
    gc.disable()  # start-up only makes objects that stay; the desk switches it on again
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some costs 20 ms
    _speak_utf8()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush_stdout()
    except OSError as error:
        _tell(f"the results could not be written: {error.strerror}")
        _hush_stdout()
        code = STOPPED
    gc.freeze()  # the end frees all memory at once; looking for cycles first takes 20 ms
    return code


def run(args: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0 done; 1 done, with rejected or failed parts; 2 wrong usage, settings, rules or input;
    3 stopped before or in the middle of the work; 130 interrupted.
    """
    try:
        from smsnotify.cli.app import app

        app(args=list(args), prog_name="sms-notify")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SmsNotifyError as error:
        _debug()
        return _explain(error)
    except BrokenPipeError:
        _hush_stdout()
        return STOPPED
    except OSError as error:
        _debug()
        where = f": {error.filename}" if error.filename else ""
        _tell(f"{error.strerror or 'input or output failed'}{where}")
        return STOPPED
    except Exception as error:
        _debug()
        _tell(
            f"this should not have happened ({type(error).__name__}, sms-notify {__version__})",
            f"run it again with {DEBUG_VARIABLE}=1 and report what it prints, "
            "without numbers and keys",
        )
        return STOPPED
    return 0


def _explain(error: SmsNotifyError) -> int:
    if isinstance(error, RuleFileError) and len(error.problems) > 1:
        for problem in error.problems:
            print(printable(str(problem)), file=sys.stderr)  # noqa: T201
    _tell(error.message, error.hint)
    return error.exit_code


def _tell(message: str, hint: str = "") -> None:
    try:
        print(printable(f"error: {message}"), file=sys.stderr)  # noqa: T201
        if hint:
            print(printable(f"hint: {hint}"), file=sys.stderr)  # noqa: T201
    except OSError:
        return  # nobody listens any more; the exit code still tells


def _debug() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        import traceback

        traceback.print_exc()


def _hush_stdout() -> None:
    """Point stdout nowhere, so that Python's own flush at the end does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _speak_utf8() -> None:
    """Let the streams carry every character; Windows would use the console's old code page."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if sys.platform == "win32":
            reconfigure(encoding="utf-8")
        if stream is not sys.stdin:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
