"""The files in deploy/ are true: what they start exists, and what they build from is all there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

from smsnotify.cli.app import load_command
from smsnotify.web.app import ROUTES
from smsnotify.web.server import STOP_S

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "sms-notify.service").read_text(encoding="utf-8")


def copied() -> set[str]:
    """Return what the build stage copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_everything_that_the_wheel_is_made_of_is_copied() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    needed |= {*project["project"]["license-files"], *wheel["packages"], *wheel["force-include"]}
    missing = {name for name in needed if not {name, name.partition("/")[0]} & copied()}
    assert missing == set()
    assert all((ROOT / name).exists() for name in copied())
    extras = re.search(r'"\.\[([\w,]+)\]"', DOCKERFILE)
    assert extras
    assert set(extras[1].split(",")) <= set(project["project"]["optional-dependencies"])


def test_what_they_start_is_a_command_with_these_options() -> None:
    started = re.search(r"^ExecStart=\S+/sms-notify (.+)$", UNIT, re.MULTILINE)
    image = re.search(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    assert started
    assert image
    for words in (shlex.split(started[1]), shlex.split(image[1].replace(",", " "))):
        assert words[0] == "serve"
        known = {name for option in serve_options() for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known


def serve_options() -> list[Any]:
    """Return the options of `serve`."""
    command = load_command("serve")
    return [option for option in command.params if option.param_type_name == "option"]


def test_the_unit_waits_as_long_as_the_program_may_take() -> None:
    waits = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert waits
    assert int(waits[1]) > STOP_S
    assert re.search(r"^ExecReload=/bin/kill -HUP \$MAINPID$", UNIT, re.MULTILINE)


def test_the_image_asks_an_address_that_there_is() -> None:
    asked = re.search(r"http://127\.0\.0\.1:8787(/\w+)", DOCKERFILE)
    assert asked
    assert asked[1] in {route.path for route in ROUTES}
