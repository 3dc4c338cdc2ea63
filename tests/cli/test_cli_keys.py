"""`keys`: made, shown once, listed, ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_key_is_shown_once_and_its_hash_is_stored(cli: Any, folder: Path) -> None:
    done = cli("keys", "create", "dispatch")
    key = done.out.strip()
    assert done.code == 0
    assert key.startswith("snk_")
    assert "not shown again" in done.err
    assert key.encode() not in (folder / "sms-notify.db").read_bytes()
    listed = cli("keys", "list")
    assert "dispatch" in listed.out
    assert "never" in listed.out
    assert key not in listed.out


def test_keys_speak_json(cli: Any) -> None:
    (made,) = cli("--json", "keys", "create", "dispatch").json
    assert made["type"] == "key"
    assert made["key"].startswith("snk_")
    (listed,) = cli("--json", "keys", "list").json
    assert (listed["name"], listed["id"], listed["revoked_at"]) == ("dispatch", made["id"], None)
    assert "key" not in listed
    (revoked,) = cli("--json", "keys", "revoke", made["id"]).json
    assert revoked == {"type": "key", "name": made["id"], "revoked": True}
    (listed,) = cli("--json", "keys", "list").json
    assert listed["revoked_at"]


def test_a_name_in_use_and_a_key_that_is_not_there_are_told(cli: Any) -> None:
    assert cli("keys", "revoke", "dispatch").code == 2
    assert cli("keys", "create", "dispatch").code == 0
    again = cli("keys", "create", "dispatch")
    assert again.code == 2
    assert "keys revoke dispatch" in again.err
    assert cli("keys", "revoke", "dispatch").out == "revoked: dispatch\n"
    assert cli("keys", "create", "dispatch").code == 0


def test_a_name_must_be_one_that_can_be_printed(cli: Any) -> None:
    for name in ("", "  ", "a\nb", "x" * 101):
        assert cli("keys", "create", name).code == 2


def test_looking_for_keys_makes_no_database(cli: Any, folder: Path) -> None:
    done = cli("keys", "list")
    assert done.code == 0
    assert "keys create" in done.err
    assert not (folder / "sms-notify.db").exists()
