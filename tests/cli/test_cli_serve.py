"""`serve`: what keeps it from starting, and what its start costs the other commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from smsnotify.web.server import open_socket

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi"
"""


def test_help_imports_no_web_server() -> None:
    program = (
        "import sys, json, io\n"
        "from smsnotify.cli.main import run\n"
        "out, sys.stdout = sys.stdout, io.StringIO()\n"
        "code = run(['serve', '--help'])\n"
        "out.write(json.dumps([code, sys.stdout.getvalue(), sorted(sys.modules)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    code, printed, modules = json.loads(done.stdout)
    assert code == 0
    assert "8787" in printed
    assert not {"starlette", "uvicorn", "aiohttp", "sqlalchemy"} & set(modules)


def test_wrong_rules_and_settings_keep_it_from_starting(cli: Any, folder: Path) -> None:
    done = cli("serve", "--port", "0")
    assert done.code == 2
    assert "rules.yaml" in done.err
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "sms-notify.toml").write_text('mode = "lively"\n', encoding="utf-8")
    assert cli("serve", "--port", "0").code == 2


def test_a_secret_that_is_missing_keeps_it_from_starting(cli: Any, folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    settings = (
        'mode = "live"\ncountry = "SG"\n[accounts.main]\nprovider = "8x8"\nsubaccount_id = "acme"\n'
        'api_key = { env = "NO_SUCH_VARIABLE" }\n'
    )
    (folder / "sms-notify.toml").write_text(settings, encoding="utf-8")
    done = cli("serve", "--port", "0")
    assert done.code == 2
    assert "NO_SUCH_VARIABLE" in done.err
    assert not (folder / "sms-notify.db").exists()


def test_a_port_that_is_taken_is_told(cli: Any, folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    with open_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        done = cli("serve", "--port", port)
    assert done.code == 3
    assert f"port {port}" in done.err
    assert "--port" in done.err
