"""`providers balance` and `providers prices`, asked of a server on this machine."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cli_calls import Cli

DEAR = {"SG": ["0.0370", "0.0415"], "MY": ["0.055"]}


@pytest.fixture
def port() -> Iterator[int]:
    """8x8's prices and balance, as its reference page shows them."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body: dict[str, Any] = {"balance": 12.5, "currency": "USD"}
            if parts.path.endswith("/prices"):
                asked = parse_qs(parts.query)["country"][0]
                operators = [
                    {"operatorName": f"Op{n}", "price": {"amount": amount, "currency": "USD"}}
                    for n, amount in enumerate(DEAR.get(asked, []))
                ]
                country = {"alpha2Code": asked, "operators": operators}
                body = {
                    "subAccounts": [{"subAccountId": "acme", "outbound": {"countries": [country]}}]
                }
            raw = json.dumps(body).encode()
            self.send_response(200 if "good" in self.headers["Authorization"] else 401)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served.server_port
        served.shutdown()
        thread.join()


def desk(folder: Path, port: int, more: str = "") -> Path:
    file = folder / "sms-notify.toml"
    file.write_text(
        f'countries = ["SG", "MY"]  # where we deliver\n{more}'
        '[accounts.main]\nprovider = "8x8"\napi_key = "good-key"\nsubaccount_id = "acme"\n'
        f'account_id = "00000000-0000-0000-0000-000000000000"\nbase_url = "http://127.0.0.1:{port}"\n'
    )
    return file


def test_the_balance_is_told(folder: Path, cli: Cli, port: int) -> None:
    desk(folder, port)
    (told,) = cli("providers", "balance", "--json").json
    assert (told["account"], told["amount"], told["currency"]) == ("main", "12.5", "USD")


def test_the_dearest_operator_counts_and_is_written_with_comments_kept(
    folder: Path, cli: Cli, port: int
) -> None:
    file = desk(folder, port)
    done = cli("providers", "prices", "--update", "--json")
    assert done.code == 0, done.err
    assert {one["country"]: one["amount"] for one in done.json} == {"SG": "0.0415", "MY": "0.055"}
    text = file.read_text()
    assert "# where we deliver" in text
    assert tomllib.loads(text)["prices"] == {"currency": "USD", "8x8": {"SG": 0.0415, "MY": 0.055}}


def test_two_currencies_are_not_mixed(folder: Path, cli: Cli, port: int) -> None:
    file = desk(folder, port, '[prices]\ncurrency = "SGD"\ntwilio = {SG = 0.06}\n')
    before = file.read_text()
    done = cli("providers", "prices", "--update")
    assert done.code == 2
    assert "SGD, USD" in done.err
    assert file.read_text() == before


def test_a_provider_that_cannot_be_asked_ends_with_3(folder: Path, cli: Cli) -> None:
    desk(folder, 1)
    assert cli("providers", "prices").code == 3
    assert cli("providers", "balance").code == 3


def test_an_answer_without_prices_is_said(folder: Path, cli: Cli, port: int) -> None:
    file = desk(folder, port)
    file.write_text(file.read_text().replace("good-key", "bad-key"))
    done = cli("providers", "prices", "--update")
    assert done.code == 3
    assert "no price for SG" in done.err
    assert "bad-key" not in done.err


def test_without_an_account_id_there_is_nothing_to_ask(folder: Path, cli: Cli, port: int) -> None:
    file = desk(folder, port)
    lines = [line for line in file.read_text().splitlines() if 'account_id = "0000' not in line]
    file.write_text("\n".join(lines) + "\n")
    assert "no such question" in cli("providers", "balance").out
    assert "no such question" in cli("providers", "prices").err
    assert cli("providers", "prices", "--account", "nobody").code == 2
