"""Every command with its arguments, options and examples, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

from generators.tables import code, table
from smsnotify.cli.app import COMMANDS, app, load_command
from smsnotify.cli.globals import PANEL, global_params

_STYLE = re.compile(r"\[/?[a-z ]+\]")


class Called(NamedTuple):
    """A command that can be called: its words, and what typer knows of it."""

    words: tuple[str, ...]
    command: Any

    @property
    def options(self) -> list[Any]:
        """The options that are the command's own."""
        return [
            param
            for param in self.command.params
            if param.param_type_name == "option" and param.rich_help_panel != PANEL
        ]


def commands() -> Iterator[Called]:
    """Yield every command in the order of the program's own help."""
    for name in COMMANDS:
        command = load_command(name)
        if hasattr(command, "commands"):
            for below, child in command.commands.items():
                yield Called((name, below), child)
        else:
            yield Called((name,), command)


def overview() -> str:
    """Return the list of commands, each with its line of help."""
    rows = [(f"[`{name}`](#{name})", row.panel, row.help) for name, row in COMMANDS.items()]
    return table(("command", "for", "does"), rows)


def everywhere() -> str:
    """Return the options that work with every command, before and after its name."""
    return _options(global_params())


def completion() -> str:
    """Return the options that only the program itself has."""
    own = [param for param in typer.main.get_command(app).params if param.rich_help_panel != PANEL]
    return _options(own)


def pages() -> str:
    """Return a section for every command."""
    sections = []
    group = ""
    for called in commands():
        top = called.words[0]
        if top != group:
            group = top
            sections.append(f"## {top}")
            if len(called.words) > 1:
                sections.append(COMMANDS[top].help)
        if len(called.words) > 1:
            sections.append("### " + " ".join(called.words))
        sections += _section(called)
    return "\n\n".join(sections)


def _section(called: Called) -> Iterator[str]:
    command = called.command
    yield _help(command.help)
    yield f"```text\n{_usage(called)}\n```"
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    if arguments:
        rows = [
            (code(_metavar(one)), one.help or "", "needed" if one.required else "")
            for one in arguments
        ]
        yield table(("argument", "meaning", ""), rows)
    if called.options:
        yield _options(called.options)
    if command.epilog:
        yield "```sh\n" + "\n".join(examples(command)) + "\n```"


def _help(text: str) -> str:
    """Return a docstring as paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _usage(called: Called) -> str:
    words = ["sms-notify", *called.words, "[OPTIONS]"]
    for param in called.command.params:
        if param.param_type_name == "argument":
            name = _metavar(param)
            name = name if param.required or name.startswith("[") else f"[{name}]"
            words.append(name + ("…" if param.nargs == -1 and "…" not in name else ""))
    return " ".join(words)


def examples(command: Any) -> list[str]:
    """Return the example lines of a command's help, without markup."""
    lines = str(command.epilog).replace("\\[", "\0").split("\n")
    plain = (_STYLE.sub("", line).replace("\0", "[").strip() for line in lines)
    return [line for line in plain if line and not line.startswith("Example")]


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _options(params: Any) -> str:
    rows = []
    for param in params:
        if param.hidden:
            continue
        names = ", ".join(code(name) for name in (*param.opts, *param.secondary_opts))
        takes = "" if is_flag(param) else code(_metavar(param))
        rows.append((names, takes, param.help or "", _default(param)))
    return table(("option", "takes", "meaning", "without it"), rows)


def is_flag(param: Any) -> bool:
    """Say whether an option takes no value."""
    return bool(param.is_flag or param.count or param.secondary_opts)


def _default(param: Any) -> str:
    default = param.default
    if is_flag(param) or default in (None, "", [], (), -1):
        return ""
    return code(default)
