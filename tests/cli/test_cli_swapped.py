"""What `encoding` changed in a text is told wherever the text is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RULES = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: typed
    events: [completed]
    to: {fields: [phone_number]}
    body: "“{{ do_number }}”\\u00a0is\\u200b here"
  - name: plain
    events: [completed]
    to: {fields: [phone_number]}
    body: "{{ do_number }} is here"
"""


@pytest.fixture(autouse=True)
def desk(folder: Path) -> Path:
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "sms-notify.toml").write_text('country = "SG"', encoding="utf-8")
    (folder / "sms-notify.toml").chmod(0o600)
    return folder


def test_preview_names_what_was_swapped_even_what_nobody_sees(cli: Any) -> None:
    told = cli("preview", "--rule", "typed").out
    assert '  | "DO-SAMPLE" is here' in told
    assert '1 segment GSM7 · “ → ", ” → ", U+00A0 → a space, U+200B → nothing' in told
    assert "→" not in cli("preview", "--rule", "plain").out


def test_decisions_as_json_carry_the_pairs(cli: Any) -> None:
    (typed, plain) = cli("preview", "--json").json
    assert typed["swapped"] == [["“", '"'], ["”", '"'], ["\u00a0", " "], ["\u200b", ""]]
    assert plain["swapped"] == []


def test_a_test_text_names_them_too(cli: Any) -> None:
    assert "account sandbox · “ → " in cli("send-test", "“Hi”", "--to", "+6591230000").out
