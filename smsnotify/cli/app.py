"""The tree of commands, and the promise that `--help` imports none of them.

Every command is one module in this package, named in `COMMANDS`. A module exposes

    app = typer.Typer(…)        made by `frame.single()` (one command) or `frame.group()` (several)

and is imported when its command is called, not before. The help line of a row repeats the first
line of that command's own help, and a test compares the two. The global options are added to
every command after it is loaded, so that they work before and after its name.
"""

from __future__ import annotations

from copy import copy
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_name
from typer.models import CommandInfo

from smsnotify.cli.globals import add_globals

START: Final = "Begin"
WORK: Final = "Send"
LOOK: Final = "Look"
CARE: Final = "Care"


class Row(NamedTuple):
    """Where a command lives, the one line that the list of commands shows, and its panel."""

    module: str
    help: str
    panel: str


COMMANDS: Final[dict[str, Row]] = {
    "init": Row("init", "Write the settings and a first set of rules.", START),
    "demo": Row("demo", "Run the example in a temporary folder and show the phone's view.", START),
    "process": Row("process", "Read job events and send the texts that the rules ask for.", WORK),
    "pull": Row("pull", "Fetch jobs from an API and treat them like job events.", WORK),
    "prejob": Row("prejob", "Send the reminders that are due before a job's day.", WORK),
    "tick": Row(
        "tick",
        "Do everything that is due: reminders, replies and plans, held and queued texts.",
        WORK,
    ),
    "inbound": Row("inbound", "Take recorded texts from people in, and answer them.", WORK),
    "track": Row("track", "Record what a person did, and tell the rules of it.", WORK),
    "deliver": Row("deliver", "Send the texts that are queued or due.", WORK),
    "serve": Row("serve", "Take receipts, replies and events in by HTTP, and deliver.", WORK),
    "sandbox": Row(
        "sandbox",
        "Start a local provider with phones in the browser: 8x8, Twilio, and their bad days.",
        START,
    ),
    "send-test": Row("send_test", "Send one sample text, for real, to the test number.", WORK),
    "pause": Row("pause", "Stop sending everywhere, at once.", WORK),
    "resume": Row("resume", "Allow sending again.", WORK),
    "preview": Row("preview", "Show the texts as the phone would, without sending any.", LOOK),
    "why": Row("why", "Tell what a job, a number or an address was sent or not, and why.", LOOK),
    "segments": Row("segments", "Count what a text costs on the air.", LOOK),
    "outbox": Row("outbox", "List, repeat or cancel messages.", LOOK),
    "replies": Row(
        "replies", "Read and answer what people write, and decide likely opt-outs.", LOOK
    ),
    "report": Row("report", "Sum up what happened: texts, arrivals, times, failures, money.", LOOK),
    "rules": Row("rules", "Check, list, write and explain rules.", CARE),
    "plans": Row("plans", "Check, list, draw and try automation plans.", CARE),
    "contacts": Row("contacts", "Keep what is known of people, and what they want.", CARE),
    "silences": Row("silences", "Silence a group or a rule for some time, and say why.", CARE),
    "keys": Row("keys", "Keep the keys that programs post events with.", CARE),
    "users": Row("users", "Keep who may log in to the console, and see what people changed.", CARE),
    "config": Row("config", "Show, change and check the settings.", CARE),
    "providers": Row("providers", "List providers and check your accounts' credentials.", CARE),
    "db": Row("db", "Look after the database.", CARE),
    "doctor": Row("doctor", "Look over settings, database, rules and accounts.", CARE),
}


def load_command(name: str, below: str = "") -> Any:
    """Import the module of a command and return the command with the global options added.

    Of a group only the command `below` it is made, if it has one of that name: typer takes half a
    millisecond for each.
    """
    module = import_module(f"smsnotify.cli.{COMMANDS[name].module}")
    command = typer.main.get_command(_only(below, module.app))
    command.name = name
    add_globals(command)
    return command


def _only(below: str, group: typer.Typer) -> typer.Typer:
    """Return a group that holds the command of a name alone; the group when there is none."""
    asked = [one for one in group.registered_commands if _name_of(one) == below]
    if not asked or group.registered_callback is None:
        return group
    narrow = copy(group)
    narrow.registered_commands = asked
    return narrow


def _name_of(command: CommandInfo) -> str:
    return command.name or get_command_name(getattr(command.callback, "__name__", ""))


class LazyGroup(TyperGroup):
    """Knows every command by name and help line; imports one when it is called."""

    def __init__(self, **attrs: Any) -> None:
        """Put a light stand-in for every row where typer looks for commands."""
        super().__init__(**attrs)
        for name, row in COMMANDS.items():
            self.commands[name] = TyperCommand(
                name, short_help=row.help, help=row.help, rich_help_panel=row.panel
            )
        add_globals(self)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Swap the stand-in for the real command once it is known which one is called."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            command = load_command(name, rest[0] if rest else "")
        return name, command, rest


app = typer.Typer(
    name="sms-notify",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example:  sms-notify process jobs.jsonl --dry-run",
)


@app.callback()
def root() -> None:
    """The notification desk of a delivery firm: job events in, texts out."""
