"""`demo`: the example events and rules, through the sandbox account, in a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import typer

from smsnotify.base.errors import InputError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single

app = single()

EVENTS = "events.jsonl"
AS_OF = "2026-03-02T15:00:00+08:00"
SETTINGS = """\
mode = "sandbox"
database = "sqlite:///demo.db"
rules = ["rules.yaml"]
country = "SG"
countries = ["SG", "MY"]
timezone = "Asia/Singapore"
"""


@app.command(epilog=example("sms-notify demo"))
def demo(ctx: typer.Context) -> None:
    """Run the example in a temporary folder and show the phone's view."""
    asked = desk_of(ctx)
    with tempfile.TemporaryDirectory(prefix="sms-notify-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        prepare(folder, SETTINGS)
        desk = Desk()
        desk.config = folder / "sms-notify.toml"
        desk.json, desk.quiet = asked.json, asked.quiet
        try:
            _run(desk, folder)
        finally:
            desk.close()
    if not asked.json:
        _say_what_next()


def prepare(folder: Path, written: str) -> None:
    """Put the example's rules and events into a folder, and settings as they are written."""
    shutil.copy(_find("rules.example.yaml", "rules.example.yaml"), folder / "rules.yaml")
    shutil.copy(_find(EVENTS, "examples/events.jsonl"), folder / EVENTS)
    settings = folder / "sms-notify.toml"
    settings.write_text(written, encoding="utf-8")
    settings.chmod(0o600)


def _find(packed: str, in_checkout: str) -> Path:
    """Return an example file: from the package, or from the checkout that it was installed of."""
    here = Path(__file__).resolve().parent
    for path in (here / "demo_data" / packed, here.parent.parent / in_checkout):
        if path.is_file():
            return path
    raise InputError(f"the example file {packed} is missing from this installation")


def _run(desk: Desk, folder: Path) -> None:
    from smsnotify.cli.working import Working
    from smsnotify.engine.rejects import ENDING
    from smsnotify.events.read import read_chunks

    if not desk.json:
        show.say(f"sms-notify process {EVENTS} --as-of {AS_OF}", "bold")
    working = Working(desk, "process", as_of=AS_OF)
    # The folder is gone in a moment: nobody shall look for a file in it.
    working.take(EVENTS, read_chunks(str(folder / EVENTS)), keep_rejects=False)
    if working.tally.rejected:
        desk.note(f"a real run keeps rejected lines in {EVENTS}{ENDING}")
    working.deliver()
    working.finish()
    if not desk.json:
        _show_phones(desk, working.run.id)


def _show_phones(desk: Desk, run: str) -> None:
    """Draw what each phone got, one bubble a text, phone by phone."""
    from smsnotify.store.outbox import Wanted

    show.say()
    show.say("What the phones show", "bold")
    messages = desk.store.list_messages(Wanted(run=run), None)
    for message in sorted(messages, key=lambda one: (one.recipient, one.id)):
        plural = "" if message.segments == 1 else "s"
        footer = f"{message.segments} segment{plural} {message.encoding} · {message.state.value}"
        show.bubble(message.body, recipient=f"{message.recipient}  {message.rule}", footer=footer)


def _say_what_next() -> None:
    show.say()
    show.say("Nothing left this machine: every account was the sandbox. Next:", "bold")
    show.say("  sms-notify sandbox --demo     the same on phones in the browser, which answer")
    show.say("  sms-notify init               settings and Detrack's usual rules, switched off")
    show.say("  sms-notify preview            what each rule would say, with a sample job")
    show.say("  sms-notify rules validate     every mistake with file, line and column")
