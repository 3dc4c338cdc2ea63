"""Settings and rules as one whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smsnotify.wiring import build
from smsnotify.wiring.loading import (
    Sources,
    load,
    read_settings,
    rule_files,
    settings_files,
    stamps,
)
from smsnotify.wiring.settings import check_text

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi"
"""
ACCOUNT = 'provider = "8x8"\napi_key = { file = "key" }\nsubaccount_id = "acme"\n'


@pytest.mark.parametrize(("name", "code"), [("detrack", "reserved_name"), ("a/b", "bad_name")])
def test_an_account_may_not_be_called_what_hooks_cannot_tell_apart(name: str, code: str) -> None:
    written = f'[accounts."{name}"]\nprovider = "8x8"\napi_key = "k"\nsubaccount_id = "acme"\n'
    settings, problems = check_text(written, Path("sms-notify.toml"))
    assert settings is None
    assert code in {problem.code for problem in problems}


def test_receipts_are_wanted_at_the_hook_of_their_account() -> None:
    settings, _ = check_text('public_url = "https://desk.test/sms/"', Path("sms-notify.toml"))
    assert settings is not None
    url_of = build.callback_url(settings)
    assert url_of("01j8", "main") == "https://desk.test/sms/hooks/main"
    assert url_of("01j8", "my acc") == "https://desk.test/sms/hooks/my%20acc"


def test_without_a_public_address_no_receipt_is_asked_for() -> None:
    settings, _ = check_text("", Path("sms-notify.toml"))
    assert settings is not None
    assert build.callback_url(settings)("01j8", "main") == ""


def test_everything_that_is_read_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "sms-notify.toml"
    file.write_text(f'rules = ["own.yaml", "more"]\n[accounts.main]\n{ACCOUNT}', encoding="utf-8")
    (tmp_path / "key").write_text("secret", encoding="utf-8")
    (tmp_path / "more").mkdir()
    for name in ("own.yaml", "more/a.yaml", "more/b.yml", "more/c.txt"):
        (tmp_path / name).write_text(RULES, encoding="utf-8")
    sources = Sources(config=file)
    settings = read_settings(sources)
    assert settings_files(settings) == [file, tmp_path / "key"]
    names = [one.relative_to(tmp_path).as_posix() for one in rule_files(settings, sources)]
    assert names == ["own.yaml", "more/a.yaml", "more/b.yml"]


def test_a_file_that_is_not_there_has_a_stamp_too(tmp_path: Path) -> None:
    file = tmp_path / "a"
    none = stamps([file])
    file.write_text("x", encoding="utf-8")
    made = stamps([file])
    os.utime(file, (1, 1))
    assert len({none, made, stamps([file])}) == 3


def test_without_a_settings_file_the_built_in_ones_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    sources = Sources(database="sqlite:///here.db")
    settings = read_settings(sources)
    assert settings.database == f"sqlite:///{(tmp_path / 'here.db').as_posix()}"
    loaded = load(settings, sources)
    assert [rule.id for rule in loaded.rules.rules] == ["delivered"]
    assert loaded.hooks == {}


def test_a_sandbox_needs_no_secret_but_has_the_real_accounts_hooks(tmp_path: Path) -> None:
    file = tmp_path / "sms-notify.toml"
    file.write_text(f"[accounts.main]\n{ACCOUNT}", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    sources = Sources(config=file)
    assert set(load(read_settings(sources), sources).hooks) == {"main"}
