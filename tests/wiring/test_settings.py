"""Reading settings: defaults, every documented key, and every mistake with its line."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from smsnotify.base.errors import ConfigError
from smsnotify.model.decision import Mode
from smsnotify.model.problem import Problem
from smsnotify.wiring.models import NO_GUARD
from smsnotify.wiring.settings import check_settings, load_settings, with_database
from smsnotify.wiring.shown import shown

PRICED = """
[prices]
currency = "SGD"
"8x8" = { MY = 0.05 }
[accounts.main]
provider = "8x8"
api_key = { env = "KEY" }
subaccount_id = "acme"
"""
FULL = """\
mode     = "test"
database = "sqlite:///books/sms.db"
rules    = ["rules.yaml", "more"]
country  = "SG"
countries = ["SG", "my"]
timezone = "Asia/Singapore"
public_url = "https://notify.example.com/"
test_to  = "+65 9123 0000"
allow    = ["+6591230000"]
volume_guard = { first_live = 10, times_usual = 2 }

[accounts.main]
provider = "8x8"
api_key = { env = "KEY" }
subaccount_id = "acme_notify"
sender = "ACME"
senders = { US = "+15017122661" }
countries = ["SG", "MY"]
region = "apac"
messages_per_second = 50
concurrency = 32

[accounts.backup]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = { file = "twilio.token" }
sender = "+6531590000"

[detrack]
api_key = { env = "DETRACK_API_KEY" }

[prices]
currency = "SGD"
"8x8" = { SG = 0.04 }

[caps]
per_run = 5000
per_day = { soft = 15000, hard = 20000 }
recipient = { per_hour = 3, per_day = 6 }
countries = { SG = { per_day = { soft = 100 } } }

[routes]
conversation = ["backup"]
default = [["main", "backup"], "main"]
"""


def _check(tmp_path: Path, text: str) -> list[Problem]:
    file = tmp_path / "s.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return check_settings(file)[1]


def _errors(tmp_path: Path, text: str) -> list[Problem]:
    return [problem for problem in _check(tmp_path, text) if problem.severity == "error"]


def test_no_table_of_the_settings_is_built_before_it_is_read() -> None:
    program = (
        "from pydantic import BaseModel\n"
        "from smsnotify.wiring import models\n"
        "tables = [one for one in vars(models).values() if isinstance(one, type)"
        " and issubclass(one, BaseModel) and one is not BaseModel]\n"
        "assert len(tables) > 10\n"
        "print([one.__name__ for one in tables if one.__pydantic_complete__])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_without_a_file_everything_runs_in_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("smsnotify.wiring.find.user_folder", lambda: tmp_path / "none")
    settings = load_settings()
    assert (settings.mode, settings.file, settings.folder) == (Mode.SANDBOX, None, tmp_path)
    assert settings.database.endswith("/sms-notify.db")
    assert settings.rules == ("rules.yaml",)


def test_every_documented_key_is_read(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(FULL, encoding="utf-8")
    settings = load_settings(file)
    assert settings.mode is Mode.TEST
    assert settings.database == f"sqlite:///{tmp_path.as_posix()}/books/sms.db"
    assert settings.countries == ("SG", "MY")
    assert settings.public_url == "https://notify.example.com"
    assert settings.test_to == "+6591230000"
    assert settings.routes == {
        "conversation": (("backup",),),
        "default": (("main", "backup"), ("main",)),
    }
    assert settings.prices.of("8x8", "SG") == Decimal("0.04")
    assert settings.prices.of("8x8", "MY") is None
    assert settings.accounts["main"].sender_for("US") == "+15017122661"
    assert settings.detrack is not None
    assert settings.detrack.base_url == "https://app.detrack.com/api/v2"


def test_a_file_that_is_right_has_no_problems(tmp_path: Path) -> None:
    assert _check(tmp_path, FULL) == []


def test_false_switches_the_volume_guard_off(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("volume_guard = false", encoding="utf-8")
    assert load_settings(file).volume_guard == NO_GUARD


@pytest.mark.parametrize(
    ("text", "line", "code", "words"),
    [
        ('mdoe = "live"', 1, "unknown_key", "did you mean mode?"),
        ('mode = "real"', 1, "bad_value", "'sandbox', 'test' or 'live'"),
        ("\nmode = live", 2, "syntax", "this is not TOML"),
        ('timezone = "Asia/Singapor"', 1, "bad_value", "did you mean Asia/Singapore?"),
        ('country = "XX"', 1, "bad_value", "no country"),
        ('countries = [\n"SG",\n"Nowhere"]', 3, "bad_value", "no country"),
        ('test_to = "91230000"', 1, "bad_value", "begin with +"),
        ("test_to = 6591230000", 1, "bad_value", "text in quotes"),
        ('allow = ["+6591230000", "+6511"]', 1, "bad_value", "begin with +"),
        ('public_url = "notify.example.com"', 1, "bad_value", "https://"),
        ('public_url = "ftp://example.com"', 1, "bad_value", "https://"),
        ('database = "mysql://x/y"', 1, "bad_value", "postgresql"),
        ('database = "sqlite://x.db"', 1, "bad_value", "three slashes"),
        ("volume_guard = { first = 1 }", 1, "unknown_key", "did you mean first_live?"),
        ("volume_guard = { first_live = -1 }", 1, "bad_value", "greater than or equal to 0"),
        ('[routes]\ndefault = ["mian"]', 2, "unknown_account", "no account 'mian'"),
        ("[routes]\ndefault = 5", 2, "bad_value", "list of account names"),
        ("[detrack]", 1, "missing", "api_key: is missing"),
        ('[detrack]\napi_key = ""', 2, "bad_value", "a secret is written"),
        ("[accounts.main]", 1, "missing", "accounts.main.provider"),
        ('[accounts.main]\nprovider = "8x9"', 2, "unknown_provider", "8x8"),
        ("accounts = 5", 1, "bad_value", "must be tables"),
        ('[prices]\n"8x9" = { SG = 1 }', 2, "unknown_key", "did you mean 8x8?"),
        ('[prices]\n"8x8" = { SG = -1 }', 2, "bad_value", "greater than or equal to 0"),
        ('[prices]\n"8x8" = { ZZ = 1 }', 2, "bad_value", "no country"),
        ('mode = "live"', 1, "no_account", "needs an account"),
        ('[tickers.en]\nstop = ["NO"]', 1, "unknown_key", "no such setting"),
        ("[caps]\nper_day = 0", 2, "bad_value", "a cap of zero lets nothing go"),
        ("[caps]\nper_day = -5", 2, "bad_value", "must be above zero"),
        ("[caps]\nper_run = true", 2, "bad_value", "whole number"),
        ("[caps]\nper_week = 5", 2, "unknown_key", "known: countries"),
        ("[caps]\nper_day = {soft = 9, hard = 5}", 2, "bad_value", "soft 9 is not below hard 5"),
        ("[caps]\nper_day = {sofft = 9}", 2, "bad_value", "must be 5000 or {soft ="),
        ("[caps.countries]\nZZ = {per_day = 5}", 2, "bad_value", "no country"),
        ("[caps.countries.US]\nper_hour = 5", 2, "unknown_key", "no such setting"),
        ("[caps.recipient]\nper_hour = {}", 2, "bad_value", "must be 5000 or"),
        ('[caps]\nmoney_per_day = "much"', 2, "bad_value", "must be a number"),
        ("[caps]\nmoney_per_day = nan", 2, "bad_value", "must be a number"),
        ("[caps]\nmoney_per_day = 400", 2, "no_prices", "providers prices --update"),
        (
            '[caps]\nmoney_per_day = 400\n[prices]\n"8x8" = {SG = 1}',
            *(2, "no_currency", 'currency = "USD"'),
        ),
        (
            "[caps.countries.USA]\nmoney_per_day = {soft = 1}",
            *(2, "no_prices", "providers prices --update"),
        ),
    ],
)
def test_each_mistake_has_its_line_and_its_words(
    tmp_path: Path, text: str, line: int, code: str, words: str
) -> None:
    (problem,) = _errors(tmp_path, text)
    assert (problem.line, problem.code) == (line, code)
    assert words in str(problem)


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [
        ('api_kay = "x"', "unknown_key", "did you mean api_key?"),
        ('region = "mars"', "bad_value", "'apac'"),
        ('senders = { Nowhere = "A" }', "bad_value", "two letters"),
        ("concurrency = 0", "bad_value", "greater than or equal to 1"),
        ("messages_per_second = -5", "bad_value", "greater than 0"),
        ('base_url = "nowhere"', "bad_value", "web address"),
    ],
)
def test_the_providers_own_model_checks_an_account(
    tmp_path: Path, key: str, code: str, words: str
) -> None:
    account = '[accounts.main]\nprovider = "8x8"\napi_key = {env="K"}\nsubaccount_id = "acme"\n'
    (problem,) = _errors(tmp_path, account + key)
    assert (problem.line, problem.code) == (5, code)
    assert words in str(problem)


def test_all_mistakes_are_told_in_one_run_in_the_files_order(tmp_path: Path) -> None:
    text = 'mode = "real"\ncountry = "XX"\n[accounts.a]\nprovider = "no"\n[routes]\ndefault = ["b"]'
    assert [problem.line for problem in _errors(tmp_path, text)] == [1, 2, 4, 6]
    with pytest.raises(ConfigError) as raised:
        load_settings(tmp_path / "s.toml")
    assert raised.value.message.count("s.toml:") == 4


def test_no_error_shows_a_full_number(tmp_path: Path) -> None:
    told = "\n".join(map(str, _errors(tmp_path, 'test_to = "659123000099999999"')))
    assert told
    assert "659123000099999999" not in told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('country="SG"\n[detrack]\napi_key = "plain"', "plain_secret"),
        ('country="SG"\ncountries = ["MY"]', "country_left_out"),
        ('timezone = "UTC"', "no_country"),
        ('country="SG"\npublic_url = "http://example.com"', "not_https"),
        ('country="SG"\ndatabase = "postgresql://me:pw@host/db"', "plain_secret"),
        ('country="SG"\n[caps.countries.US]\nper_day = 5', "no_effect"),
        (f'country="SG"\n[caps]\nmoney_per_day = 5\n{PRICED}', "no_price"),
        (
            'country="MY"\ncountries=["MY","SG"]\n[caps.countries.Singapore]\n'
            f"money_per_day = 5\n{PRICED}",
            "no_price",
        ),
    ],
)
def test_doubts_are_warnings(tmp_path: Path, text: str, code: str) -> None:
    (problem,) = _check(tmp_path, text)
    assert (problem.severity, problem.code) == ("warning", code)
    assert "plain" not in str(problem) or "stands in the file" in str(problem)


def test_mails_and_alarms_need_no_prices(tmp_path: Path) -> None:
    accounts = (
        '[accounts.box]\nprovider = "sandbox"\n'
        '[accounts.mail]\nprovider = "smtp"\nhost = "127.0.0.1"\nsender = "a@example.com"\n'
        '[accounts.ops]\nprovider = "apprise"\nurls = [{ env = "OPS_URL" }]\n'
    )
    prices = '[prices]\ncurrency = "SGD"\nsandbox = { SG = 0.04 }\n'
    assert _check(tmp_path, f'country="SG"\n[caps]\nmoney_per_day = 5\n{accounts}{prices}') == []


def test_mode_test_without_a_number_to_test_with_is_a_doubt(tmp_path: Path) -> None:
    text = FULL.replace('test_to  = "+65 9123 0000"\n', "")
    assert [problem.code for problem in _check(tmp_path, text)] == ["no_test_to"]


def test_a_file_or_secret_that_others_can_read_is_a_doubt(tmp_path: Path) -> None:
    token = tmp_path / "key"
    token.write_text("x", encoding="utf-8")
    token.chmod(0o644)
    file = tmp_path / "s.toml"
    file.write_text('country="SG"\n[detrack]\napi_key = { file = "key" }', encoding="utf-8")
    file.chmod(0o640)
    found = check_settings(file)[1]
    has_modes = os.name == "posix"
    assert [(problem.code, problem.line) for problem in found] == [
        ("readable_by_others", 1),
        ("readable_by_others", 3),
    ] * has_modes


@pytest.mark.parametrize("written", [b"\xff\xfe", b"mode = '\xff'"])
def test_a_file_that_is_no_text_is_told_plainly(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(written)
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(file)


def test_a_mark_at_the_start_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(b'\xef\xbb\xbfcountry = "SG"\r\ntimezone = "UTC"\r\n')
    assert load_settings(file).country == "SG"


def test_another_database_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(_file(tmp_path, 'country = "SG"'))
    assert with_database(settings, "x.db").database == f"sqlite:///{tmp_path.as_posix()}/x.db"
    assert with_database(settings, "postgresql://h/d").database == "postgresql://h/d"
    with pytest.raises(ConfigError, match="--database"):
        with_database(settings, "mysql://h/d")


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "sub" / "s.toml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    return file


ALARMS = """
mode = "live"
country = "SG"
staff = ["+6591230000", "ops"]
allow = ["everybody"]
[accounts.ops]
provider = "apprise"
urls = ["slack://tok/en/s3cret", {env = "CHAT"}, {file = "pager.url"}]
[accounts.main]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = {env = "TWILIO"}
sender = "+6531590000"
[routes]
everybody = [["ops"]]
"""


def test_alarms_have_secret_addresses_and_are_named_among_the_staff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHAT", "TWILIO"):
        monkeypatch.setenv(name, "json://chat.example.com")
    (tmp_path / "pager.url").write_text("pagerduty://key@id")
    (tmp_path / "pager.url").chmod(0o600)
    problems = _check(tmp_path, ALARMS)
    assert [(one.code, one.severity) for one in problems] == [("plain_secret", "warning")]
    assert "urls[0]" in problems[0].message
    settings = load_settings(tmp_path / "s.toml")
    assert settings.staff == ("+6591230000", "ops")
    told = str(shown(settings))
    assert "s3cret" not in told
    assert "{'env': 'CHAT'}, {'file': 'pager.url'}" in told


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('"ops"]', '"opps"]', "staff[1]: there is no account or route 'opps'"),
        ('"ops"]', '"main"]', "staff[1]: no account behind 'main' is for alarms"),
        ('"ops"]', '"9123"]', "is no full number"),
        ("slack://tok/en/s3cret", "slack", "each is an address of apprise"),
        ('{env = "CHAT"}', '{environ = "CHAT"}', "a secret is written as"),
        ("urls = [", 'sender = "X"\nurls = [', "sender changes nothing for alarms"),
    ],
)
def test_mistakes_about_alarms_have_their_words(
    tmp_path: Path, was: str, now: str, told: str
) -> None:
    found = _errors(tmp_path, ALARMS.replace(was, now))
    assert any(told in one.message for one in found)
    assert "s3cret" not in str(found)


def test_without_the_package_alarms_are_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsnotify.wiring.crosscheck.find_spec", lambda name: None)
    (one,) = [one for one in _errors(tmp_path, ALARMS) if one.code == "missing_extra"]
    assert "alarms" in one.message
    assert one.hint == "pip install 'sms-notify[alarms]'"
    calm = [one.code for one in _errors(tmp_path, ALARMS.replace('"live"', '"sandbox"'))]
    assert "missing_extra" not in calm
