"""`sms-notify sandbox`: its options, its settings, and a whole run with the example."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import smsnotify
from smsnotify.base.errors import ConfigError, UsageError
from smsnotify.cli.sandboxing import Wishes, known_accounts, settled
from smsnotify.model.fault import Fault, read_share
from smsnotify.sandbox.texts import Speech
from smsnotify.wiring.models import SandboxSettings
from smsnotify.wiring.settings import load_settings

ROOT = Path(smsnotify.__file__).parent.parent

SETTINGS = """
mode = "live"
country = "SG"
public_url = "https://notify.example.test"

[accounts.main]
provider = "8x8"
api_key = "key-of-8x8"
subaccount_id = "acme"
sender = "ACME"
webhook_token = "hook-token"
base_url = "http://localhost:8788"

[accounts.backup]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
api_key_sid = "SK1"
api_key_secret = "key-secret"
auth_token = "auth-token"
sender = "+6531590000"
senders = {US = "+15017122661"}
base_url = "http://127.0.0.1:8788"

[accounts.real]
provider = "8x8"
api_key = { env = "NOT_SET_ANYWHERE" }
subaccount_id = "acme"
sender = "ACME"

[sandbox]
port = 9999
latency = "200ms"
slow = "2m"
seed = 7

[sandbox.faults]
429 = 0.1
lost-receipt = 0.05
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sms-notify.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_the_settings_table_says_how_the_day_goes(file: Path) -> None:
    read = load_settings(file).sandbox
    assert (read.host, read.port, read.seed) == ("127.0.0.1", 9999, 7)
    assert read.faults == {Fault.TOO_MANY: 0.1, Fault.LOST_RECEIPT: 0.05}
    assert (read.latency, read.slow) == (timedelta(milliseconds=200), timedelta(minutes=2))


def test_the_command_line_wins_over_the_settings(file: Path) -> None:
    wishes = Wishes(
        port=0, faults=["503:20%"], latency="1s", notify="http://127.0.0.1:8787/", retry_after=9
    )
    plan = settled(wishes, load_settings(file).sandbox)
    assert (plan.port, plan.seed, plan.retry_after) == (0, 7, 9)
    assert plan.faults == {Fault.UNAVAILABLE: 0.2}
    assert (plan.latency, plan.slow) == (timedelta(seconds=1), timedelta(minutes=2))
    assert plan.notify == "http://127.0.0.1:8787"


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (Wishes(faults=["429"]), "write 429:0.1 or 429:10%"),
        (Wishes(faults=["429:2"]), "write 429:0.1"),
        (Wishes(faults=["418:0.1"]), "there is no fault '418'"),
        (Wishes(faults=["429:nan"]), "has no share"),
        (Wishes(latency="soon"), "--latency: 'soon' is no duration"),
        (Wishes(latency="2m"), "at most one minute"),
        (Wishes(slow="later"), "--slow"),
        (Wishes(notify="127.0.0.1:8787"), "--notify"),
        (Wishes(notify="http://127.0.0.1:8787/hooks"), "--notify"),
    ],
)
def test_an_option_that_cannot_be_read_is_told(wishes: Wishes, told: str) -> None:
    with pytest.raises(UsageError) as error:
        settled(wishes, SandboxSettings())
    assert told in str(error.value)


@pytest.mark.parametrize("written", ["429:0.1", "429:10%", " 429 : 10 % ".replace(" %", "%")])
def test_a_share_is_written_as_a_part_or_in_percent(written: str) -> None:
    assert read_share(written) == (Fault.TOO_MANY, 0.1)


@pytest.mark.parametrize(
    "lines",
    ["port = 70000", 'latency = "soon"', "latency = 3", "faults = {418 = 0.1}",
     "faults = {429 = 2}", "faults = {429 = nan}", "colour = 1", "retry_after = -1"],
)  # fmt: skip
def test_a_wrong_table_is_told_with_its_place(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "sms-notify.toml"
    file.write_text(f"[sandbox]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sms-notify.toml:\d+"):
        load_settings(file)


def test_accounts_that_point_here_are_known_and_no_other_secret_is_read(file: Path) -> None:
    eight, twilio = known_accounts(load_settings(file), "http://127.0.0.1:8788")
    assert (eight.speech, eight.id, eight.key) == (Speech.EIGHT, "acme", "key-of-8x8")
    assert eight.webhook_token == "hook-token"
    assert eight.hook == "https://notify.example.test/hooks/main"
    assert twilio.users == {
        "AC00000000000000000000000000000000": "auth-token",
        "SK1": "key-secret",
    }
    assert list(twilio.senders) == ["+6531590000", "+15017122661"]
    assert known_accounts(load_settings(file), "http://127.0.0.1:9000") == []


@contextmanager
def child(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Start `sms-notify sandbox`; it is ended with the block."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "TMPDIR": str(folder)}
    env.pop("SMS_NOTIFY_CONFIG", None)
    command = [sys.executable, "-m", "smsnotify", "sandbox", "--json", "--port", "0", *args]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=env, text=True, **pipes) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def first_line(started: subprocess.Popen[str]) -> dict[str, object]:
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line, started.stderr and started.stderr.read()
    read: dict[str, object] = json.loads(line)
    return read


def test_the_demo_fills_the_phones_and_leaves_nothing(tmp_path: Path) -> None:
    with child(tmp_path, "--demo") as started:
        told = first_line(started)
        assert told["accounts"] == ["main", "backup"]
        with httpx.Client(base_url=str(told["url"]), timeout=20, trust_env=False) as browser:
            with browser.stream("GET", "/live") as news:
                for line in news.iter_lines():
                    if line.startswith("data:") and _delivered(browser) >= 17:
                        break
            page = browser.get("/phones/6591230001").text
            assert "DO-1001" in page
            _rate(page)
            with browser.stream("GET", "/live") as news:
                for line in news.iter_lines():
                    staff = browser.get("/phones/6591230000").text
                    if line.startswith("data:") and "Rating 2 for DO-1001: a dent" in staff:
                        break
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=20)
    assert started.returncode == 0
    assert "Traceback" not in err
    assert "nothing is left" in err
    assert list(tmp_path.iterdir()) == []


def _rate(phone: str) -> None:
    """Follow the link in a text, as its reader does, and give two stars."""
    link = re.search(r'href="(http://127\.0\.0\.1:\d+/t/\w{22})"', phone)
    assert link
    with httpx.Client(trust_env=False) as reader:
        page = reader.get(link[1]).text
        proof = re.search(r'name="proof" value="([^"]+)"', page)
        assert proof
        form = {"proof": proof[1], "goods": "2", "comment": "a dent"}
        assert reader.post(link[1], data=form).status_code == 303


def _delivered(browser: httpx.Client) -> int:
    """Count the receipts that the desk took: two for every text."""
    return browser.get("/faults").text.count("receipt: delivered</td>")


def test_alone_it_lets_anybody_send_and_ends_on_a_signal(tmp_path: Path) -> None:
    with child(tmp_path, "--fault", "503:1.0") as started:
        told = first_line(started)
        assert told["accounts"] == []
        sid = "AC" + "0" * 32
        with httpx.Client(base_url=str(told["url"]), trust_env=False) as desk:
            path = f"/2010-04-01/Accounts/{sid}/Messages.json"
            form = {"To": "+6591230001", "From": "+6531590000", "Body": "Hi"}
            assert desk.post(path, data=form, auth=(sid, "any")).status_code == 503
        started.send_signal(signal.SIGTERM)
        _, err = started.communicate(timeout=20)
    assert started.returncode == 0
    assert "any account may send" in err
    assert "bad day: 503 100%" in err


def test_a_wrong_option_and_a_taken_port_end_it_with_their_codes(tmp_path: Path) -> None:
    with child(tmp_path, "--fault", "418:1") as started:
        _, err = started.communicate(timeout=20)
    assert started.returncode == 2
    assert "there is no fault '418'" in err
    with child(tmp_path) as first:
        port = str(first_line(first)["url"]).rpartition(":")[2]
        with child(tmp_path, "--port", port) as second:
            _, err = second.communicate(timeout=20)
    assert second.returncode == 3
    assert port in err


def test_help_imports_no_web_server() -> None:
    program = (
        "import sys, io\n"
        "from smsnotify.cli.main import run\n"
        "out, sys.stdout = sys.stdout, io.StringIO()\n"
        "assert run(['sandbox', '--help']) == 0\n"
        "found = {'starlette', 'uvicorn', 'jinja2', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
