"""Writing settings: comments kept, nothing wrong ever written, nobody else can read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smsnotify.base.errors import ConfigError
from smsnotify.wiring.settings import load_settings
from smsnotify.wiring.write import set_value, settings_text, split_key, write_private

TEXT = """\
# who we are
country = "SG"   # home

[accounts.main]  # the good one
provider = "8x8"
api_key = { env = "KEY" }
subaccount_id = "acme"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sms-notify.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_setting_one_key_keeps_comments_and_order(file: Path) -> None:
    set_value(file, "accounts.main.sender", "ACME")
    assert file.read_text(encoding="utf-8") == TEXT + 'sender = "ACME"\n'


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("mode", "test", 'mode = "test"'),
        ("test_to", "+6591230000", 'test_to = "+6591230000"'),
        ("volume_guard", "false", "volume_guard = false"),
        ("accounts.main.concurrency", "5", "concurrency = 5"),
        ("accounts.main.sender", "12345", 'sender = "12345"'),
        ("accounts.main.api_key", '{ file = "k" }', 'api_key = {file = "k"}'),
        ("allow", '["+6591230000"]', 'allow = ["+6591230000"]'),
        ('prices."8x8".SG', "0.04", "SG = 0.04"),
    ],
)
def test_a_value_is_read_the_way_that_fits_its_key(
    file: Path, key: str, value: str, line: str
) -> None:
    set_value(file, key, value)
    assert line in file.read_text(encoding="utf-8")
    load_settings(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accounts.other.provider", "sandbox"),
        ("prices.currency", "SGD"),
        ("detrack.api_key.file", "detrack.key"),
    ],
)
@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_new_table_stands_apart(file: Path, key: str, value: str, ending: str) -> None:
    routes = '\n[routes]\ndefault = ["main"]'
    for begun in (TEXT + routes, TEXT.replace("\n\n", "\n") + routes, "# nothing yet"):
        file.write_text(begun + ending, encoding="utf-8")
        set_value(file, key, value)
        lines = file.read_text(encoding="utf-8").splitlines()
        new = next(at for at, line in enumerate(lines) if line == f"[{key.rpartition('.')[0]}]")
        assert lines[new - 1] == ""
        assert lines[new + 2 : new + 3] in ([], [""])


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("mode", "real", "sandbox"),
        ("accounts.main.regoin", "eu", "did you mean region?"),
        ("country.name", "SG", "country is a value"),
        ("coutry", "SG", "did you mean country?"),
        ("a b", "1", "no key"),
        ("", "1", "no key"),
    ],
)
def test_what_would_be_wrong_is_not_written(file: Path, key: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        set_value(file, key, value)
    assert words in f"{raised.value} {raised.value.hint}"
    assert file.read_text(encoding="utf-8") == TEXT


def test_a_plain_secret_is_written_and_doubted(file: Path) -> None:
    file.chmod(0o600)
    problems = set_value(file, "accounts.main.api_key", "s3cret")
    assert "plain_secret" in [problem.code for problem in problems]
    assert "s3cret" not in "".join(map(str, problems))


def test_keys_split_at_their_dots() -> None:
    assert split_key('prices."8x8".SG') == ["prices", "8x8", "SG"]


def test_a_written_file_is_its_owners_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "s.toml"
    write_private(target, "a = 1\n")
    assert os.listdir(tmp_path) == ["s.toml"]
    if os.name == "posix":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_stays_a_link_and_its_target_changes(tmp_path: Path, file: Path) -> None:
    link = tmp_path / "link.toml"
    try:
        link.symlink_to(file)
    except OSError:  # Windows without the right to make links
        return
    set_value(link, "mode", "test")
    assert link.is_symlink()
    assert 'mode = "test"' in file.read_text(encoding="utf-8")


def test_a_folder_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_private(tmp_path / "none" / "s.toml", "")


def test_text_of_settings_is_toml() -> None:
    assert settings_text({"a": {"b": {"env": "X"}}}).strip().endswith('env = "X"')
