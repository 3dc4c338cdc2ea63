"""Objects made from settings."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from smsnotify.gates.volume_guard import VolumeLimit
from smsnotify.wiring import build
from smsnotify.wiring.books import open_books
from smsnotify.wiring.crosscheck import check_secrets
from smsnotify.wiring.models import Settings
from smsnotify.wiring.problems import Findings
from smsnotify.wiring.settings import load_settings
from smsnotify.wiring.shown import shown

ACCOUNTS = """\
[accounts.main]
provider = "8x8"
api_key = "s3cret-key"
subaccount_id = "acme"
countries = ["SG"]
concurrency = 7

[accounts.backup]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = { env = "NOT_SET_ANYWHERE" }
"""


def _settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "s.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


@pytest.mark.parametrize(
    ("text", "countries"),
    [
        ("", None),
        ('country = "SG"', {"SG"}),
        ('country = "SG"\ncountries = ["SG", "MY"]', {"SG", "MY"}),
        ('countries = ["MY"]', {"MY"}),
    ],
)
def test_the_home_country_is_the_only_destination_unless_more_are_named(
    tmp_path: Path, text: str, countries: set[str] | None
) -> None:
    assert build.policy(_settings(tmp_path, text)).countries == countries


def test_caps_are_shown_as_they_are_written_and_judged_in_whole_numbers(tmp_path: Path) -> None:
    text = """
country = "SG"
[caps]
per_run = 5
money_per_day = {soft = 0.1, hard = 0.35}
[caps.recipient]
per_hour = 2
[caps.countries.Singapore]
per_day = {soft = 9}
[prices]
currency = "SGD"
"8x8" = { SG = 0.05 }
"""
    settings = _settings(tmp_path, ACCOUNTS + text.replace('country = "SG"', ""))
    assert shown(settings)["caps"] == {
        "per_run": 5,
        "money_per_day": {"soft": 0.1, "hard": 0.35},
        "recipient": {"per_hour": 2},
        "countries": {"SG": {"per_day": {"soft": 9}}},
    }
    caps = build.policy(settings).caps
    assert caps is not None
    assert [cap.told() for cap in caps.desk] == [
        "per_run 5",
        "money_per_day 0.35, soft 0.1",
    ]
    assert [cap.name for cap in caps.countries["SG"]] == ["[caps.countries] SG per_day"]
    again = pickle.loads(pickle.dumps(caps))
    assert caps.price("default", "SG", "sms") == again.price("default", "SG", "sms")
    assert str(caps.price("default", "SG", "sms")) == "0.05"
    assert build.policy(_settings(tmp_path, "")).caps is None


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("", None),
        ('mode = "live"\n' + ACCOUNTS, VolumeLimit(first_live=200, times_usual=5)),
        ('mode = "live"\nvolume_guard = false\n' + ACCOUNTS, None),
        ("volume_guard = { first_live = 3 }", VolumeLimit(first_live=3, times_usual=5)),
        ("volume_guard = true", VolumeLimit(first_live=200, times_usual=5)),
    ],
)
def test_the_volume_guard_is_on_in_live_mode_unless_said_otherwise(
    tmp_path: Path, text: str, limit: VolumeLimit | None
) -> None:
    assert build.volume_limit(_settings(tmp_path, text)) == limit


def test_in_the_sandbox_every_route_leads_to_the_built_in_account(tmp_path: Path) -> None:
    settings = _settings(tmp_path, ACCOUNTS + '[routes]\nconversation = ["backup"]')
    assert [*build.accounts(settings)] == ["sandbox"]
    assert build.accounts(settings)["sandbox"].provider.local
    routes = build.routes(settings)
    assert {*routes} == {"default", "conversation", "main", "backup"}
    assert set(routes.values()) == {(("sandbox",),)}


def test_without_a_default_route_the_accounts_are_tried_in_the_files_order(tmp_path: Path) -> None:
    settings = _settings(tmp_path, 'mode = "live"\n' + ACCOUNTS)
    assert build.routes(settings)["default"] == (("main",), ("backup",))
    assert build.routes(settings)["backup"] == (("backup",),), "an account is a route to itself"
    account = build.accounts(settings)["main"]
    assert (account.concurrency, account.countries) == (7, frozenset({"SG"}))


def test_rule_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    settings = _settings(tmp_path, 'rules = "sub/r.yaml"')
    assert build.rule_paths(settings) == (tmp_path / "sub" / "r.yaml",)


def test_the_database_lies_where_the_settings_say(tmp_path: Path) -> None:
    settings = _settings(tmp_path, 'database = "sqlite:///mine.db"')
    open_books(settings).close()
    assert (tmp_path / "mine.db").is_file()


@pytest.mark.parametrize(
    "query",
    ["user=me&password=s3cret", "sslmode=require&sslpassword=s3cret", "PASSWORD=s3cret&a=b"],
)
def test_a_password_in_the_query_of_a_database_is_not_shown(tmp_path: Path, query: str) -> None:
    settings = _settings(tmp_path, f'database = "postgresql://db.example.com/x?{query}"')
    told = shown(settings)["database"]
    assert "s3cret" not in told
    assert told.startswith("postgresql://db.example.com/x?")


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    text = 'database = "postgresql://me:hunter2@host/db"\n' + ACCOUNTS
    settings = _settings(tmp_path, text)
    told = f"{shown(settings)} {settings!r} {build.real_accounts(settings)}"
    assert "s3cret-key" not in told
    assert "hunter2" not in str(shown(settings))
    assert shown(settings)["accounts"]["backup"]["auth_token"] == {"env": "NOT_SET_ANYWHERE"}


def test_a_secret_that_cannot_be_read_is_an_error_with_its_place(tmp_path: Path) -> None:
    settings = _settings(tmp_path, ACCOUNTS)
    findings = Findings(settings.file, {("accounts", "backup", "auth_token"): (10, 1)})
    check_secrets(settings, findings)
    (problem,) = findings.problems
    assert (problem.line, problem.code) == (10, "unreadable_secret")
    assert "NOT_SET_ANYWHERE is not set" in problem.message
