"""`users`: made, listed, changed and removed; and what people changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("cheap")

WORDS = "correct horse battery\n"
RULES = """
version: 1
rules:
  - {name: done, events: [completed], to: {fields: [phone_number]}, body: "{{ do_number }}"}
"""
SETTINGS = """
country = "SG"

[accounts.main]
provider = "8x8"
api_key = "none"
subaccount_id = "none"
sender = "+6531590000"
"""


def add(cli: Any, name: str = "mei.tan", *more: str, words: str = WORDS) -> Any:
    return cli("users", "add", name, "--password-stdin", *more, stdin=words)


def test_a_user_is_added_with_a_password_from_standard_input(cli: Any, folder: Path) -> None:
    done = add(cli)
    assert done.code == 0, done.err
    assert "mei.tan, clerk" in done.out
    assert WORDS.strip().encode() not in (folder / "sms-notify.db").read_bytes()
    listed = cli("users", "list")
    assert "mei.tan" in listed.out
    assert "never" in listed.out
    assert "argon2" not in listed.out


def test_users_speak_json(cli: Any) -> None:
    (made,) = add(cli, "mei.tan", "--role", "viewer", "--json").json
    assert (made["type"], made["name"], made["role"]) == ("user", "mei.tan", "viewer")
    (listed,) = cli("--json", "users", "list").json
    assert listed == made
    (changed,) = cli("--json", "users", "role", "mei.tan", "clerk").json
    assert changed == {"type": "user", "name": "mei.tan", "role": "clerk"}
    newest, oldest = cli("--json", "users", "audit").json
    assert (newest["what"], newest["before"], newest["after"]) == ("user.role", "viewer", "clerk")
    assert (oldest["what"], oldest["about"], oldest["door"]) == ("user.add", "mei.tan", "cli")


def test_a_user_is_disabled_enabled_and_removed(cli: Any) -> None:
    add(cli)
    assert cli("users", "disable", "mei.tan").code == 0
    assert cli("users", "disable", "mei.tan").code == 2
    (user,) = cli("--json", "users", "list").json
    assert user["disabled_at"]
    assert cli("users", "enable", "mei.tan").code == 0
    assert cli("users", "enable", "mei.tan").code == 2
    assert cli("users", "remove", "mei.tan").code == 0
    assert cli("users", "remove", "mei.tan").code == 2
    assert "user.remove" in cli("users", "audit").out


def test_another_password_takes_the_place_of_the_old_one(cli: Any) -> None:
    add(cli)
    done = cli("users", "passwd", "mei.tan", "--password-stdin", stdin="another horse, quite\n")
    assert done.code == 0, done.err
    assert "sessions have ended" in done.out
    assert cli("users", "passwd", "nobody", "--password-stdin", stdin=WORDS).code == 2


def test_what_cannot_be_is_told(cli: Any) -> None:
    assert add(cli, "mei tan").code == 2
    assert add(cli, "mei.tan", "--role", "king").code == 2
    assert "12 to 256" in add(cli, words="short\n").err
    assert cli("users", "add", "mei.tan").code == 2, "nobody sits there to be asked"
    assert add(cli).code == 0
    assert add(cli).code == 2


def test_looking_for_users_makes_no_database(cli: Any, folder: Path) -> None:
    assert "users add" in cli("users", "list").err
    assert cli("users", "audit").code == 0
    assert not (folder / "sms-notify.db").exists()


def test_what_people_change_by_commands_is_written_down(cli: Any, folder: Path) -> None:
    """Each with what it came to, and without a number or a word that somebody wrote."""
    number = "+6591230000"
    (folder / "people.csv").write_text(f"phone_number,name\n{number},Mei\n", encoding="utf-8")
    text = json.dumps({"from": number, "body": "where is it?"})
    (folder / "said.jsonl").write_text(text + "\n", encoding="utf-8")
    (folder / "sms-notify.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    assert cli("inbound", "said.jsonl", "--account", "main").code == 0
    (reply,) = cli("--json", "replies", "list").json
    done = [
        cli("silences", "add", "--all", "--for", "3h", "--reason", "flood", "--by", "me"),
        cli("pause"),
        cli("resume"),
        cli("replies", "answer", reply["id"], "It comes at noon."),
        cli("contacts", "import", "people.csv"),
        cli("contacts", "set", number, "tier=gold"),
        cli("contacts", "opt-out", number),
        cli("contacts", "forget", number, "--yes"),
        cli("keys", "create", "dispatch"),
        cli("keys", "revoke", "dispatch"),
        cli("outbox", "retry", "--all"),
    ]
    assert [one.err for one in done if one.code] == []
    told = cli("--json", "users", "audit").json[::-1]
    assert [(one["what"], one["after"].split(" until ")[0]) for one in told] == [
        ("silence.add", "everything"),
        ("account.pause", "done"),
        ("account.resume", "done"),
        ("reply.answer", "send"),
        ("contact.import", "0 made, 1 changed, 0 consents"),
        ("contact.set", "done"),
        ("contact.opt_out", "all"),
        ("contact.forget", "forgotten"),
        ("key.create", "made"),
        ("key.revoke", "revoked"),
        ("message.retry", "0 changed"),
    ]
    written = json.dumps(told)
    assert number not in written
    assert "noon" not in written
    assert {one["door"] for one in told} == {"cli"}
