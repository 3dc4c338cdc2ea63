"""`config`, `init` and bad settings, as a user meets them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

SECRETS = """\
country = "SG"
database = "postgresql://me:hunter2@host/db"

[accounts.main]
provider = "8x8"
api_key = "sk-very-secret"
subaccount_id = "acme"

[accounts.backup]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = { file = "no-such-token" }

[detrack]
api_key = "dt-very-secret"
"""


def _write(folder: Path, text: str) -> Path:
    file = folder / "sms-notify.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    "args",
    [
        ["config", "show"],
        ["config", "show", "--json"],
        ["config", "check"],
        ["config", "check", "--json"],
        ["doctor", "--json"],
        ["-vv", "doctor"],
        ["providers", "check"],
        ["config", "set", "mode", "real"],
        ["config", "set", "accounts.main.sender", "ACME"],
    ],
)
def test_no_command_shows_a_secret(
    cli: Any, folder: Path, args: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_NOTIFY_DEBUG", "1")
    _write(folder, SECRETS.replace("postgresql://me:hunter2@host/db", "sqlite:///x.db"))
    done = cli(*args)
    assert "very-secret" not in done.out + done.err
    _write(folder, SECRETS)
    if args[0] == "config":
        done = cli(*args)
        assert "very-secret" not in done.out + done.err
        assert "hunter2" not in done.out + done.err


def test_shown_settings_name_their_file_and_where_secrets_are(cli: Any, folder: Path) -> None:
    file = _write(folder, SECRETS)
    (shown,) = cli("config", "show", "--json").json
    assert shown["file"] == str(file)
    assert shown["accounts"]["main"]["api_key"] == "***"
    assert shown["accounts"]["backup"]["auth_token"] == {"file": "no-such-token"}
    assert shown["database"] == "postgresql://me:***@host/db"


def test_an_unreadable_secret_fails_the_check_with_its_line(cli: Any, folder: Path) -> None:
    _write(folder, SECRETS)
    done = cli("config", "check", "--json")
    assert done.code == 2
    (wrong,) = [problem for problem in done.json if problem["severity"] == "error"]
    assert (wrong["code"], wrong["line"]) == ("unreadable_secret", 12)
    assert {*wrong} >= {"type", "severity", "file", "line", "column", "code", "message", "hint"}


def test_warnings_alone_are_no_failure(cli: Any, folder: Path) -> None:
    _write(folder, 'country = "SG"\n[detrack]\napi_key = "plain"')
    done = cli("config", "check")
    assert done.code == 0
    assert "sms-notify.toml:3:1" in done.out
    assert "1 warning" in done.err


def test_broken_settings_stop_every_command_with_their_line(cli: Any, folder: Path) -> None:
    _write(folder, 'country = "SG"\nmdoe = "live"')
    for args in (["doctor"], ["outbox", "list"], ["rules", "list"], ["pause"], ["config", "show"]):
        done = cli(*args)
        assert done.code == 2
        assert "sms-notify.toml:2:1" in done.out + done.err
        assert "did you mean mode?" in done.out + done.err


def test_a_settings_file_that_is_not_there_is_said(cli: Any, folder: Path) -> None:
    done = cli("--config", "none.toml", "config", "show")
    assert done.code == 2
    assert "there is no settings file" in done.err
    assert "sms-notify init" in done.err
    assert cli("--config", str(folder), "config", "show").code == 2


def test_the_variable_names_a_settings_file_too(
    cli: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "v.toml").write_text('country = "MY"', encoding="utf-8")
    monkeypatch.setenv("SMS_NOTIFY_CONFIG", "v.toml")
    assert cli("config", "show", "--json").json[0]["country"] == "MY"


def test_setting_a_key_changes_the_file(cli: Any, folder: Path) -> None:
    file = _write(folder, 'country = "SG" # home\n')
    assert cli("config", "set", "timezone", "Asia/Singapore").code == 0
    assert file.read_text(encoding="utf-8") == (
        'country = "SG" # home\ntimezone = "Asia/Singapore"\n'
    )


def test_setting_without_a_file_says_how_to_get_one(cli: Any) -> None:
    done = cli("config", "set", "mode", "test")
    assert done.code == 2
    assert "sms-notify init" in done.err


def test_init_writes_a_desk_that_is_in_order(cli: Any, folder: Path) -> None:
    done = cli("init", "--yes", "--country", "SG")
    assert done.code == 0
    assert cli("config", "check").code == 0
    assert cli("rules", "validate").code == 0
    if os.name == "posix":
        assert stat.S_IMODE((folder / "sms-notify.toml").stat().st_mode) == 0o600


def test_init_overwrites_only_when_told_to(cli: Any, folder: Path) -> None:
    file = _write(folder, "# mine\n")
    assert cli("init", "--yes").code == 2
    assert file.read_text(encoding="utf-8") == "# mine\n"
    assert cli("init", "--yes", "--force").code == 0
    assert "mode" in file.read_text(encoding="utf-8")


def test_init_does_not_ask_when_nobody_is_there(cli: Any, folder: Path) -> None:
    done = cli("init")
    assert done.code == 2
    assert "--yes" in done.err
    assert list(folder.iterdir()) == []


def test_init_says_what_is_wrong_with_an_answer(cli: Any, folder: Path) -> None:
    done = cli("init", "--yes", "--country", "Atlantis")
    assert done.code == 2
    assert "no country" in done.err
    assert list(folder.iterdir()) == []


def test_init_asks_until_an_answer_can_be_used(
    cli: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(
        ["test", "Nowhere", "sg", "", "8x8", "MY_KEY", "acme_notify", "ACME", "123", "+6591230000"]
    )
    monkeypatch.setattr("smsnotify.cli.show.can_ask", lambda: True)
    monkeypatch.setattr(
        "smsnotify.cli.show.ask",
        lambda question, *, default="", choices=(): next(answers) or default,
    )
    assert cli("init").code == 0
    (shown,) = cli("config", "show", "--json").json
    assert shown["mode"] == "test"
    assert shown["timezone"] == "Asia/Singapore"
    assert shown["test_to"] == "+6591230000"
    assert shown["accounts"]["main"]["api_key"] == {"env": "MY_KEY"}
    assert next(answers, None) is None


def test_a_key_that_only_pull_needs_is_a_doubt(cli: Any, folder: Path) -> None:
    _write(folder, 'country = "SG"\n[detrack]\napi_key = {env = "SURELY_NOT_SET"}')
    done = cli("config", "check")
    assert done.code == 0
    assert "SURELY_NOT_SET is not set; only `pull detrack` needs it" in done.out
    (doubt,) = [row for row in cli("doctor", "--json").json if row["name"] == "settings"][:1]
    assert doubt["status"] == "warning"
