"""`rules lint`: advice from the rules, and from what they would have done to real events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import Cli

RULES = """rules:
  - name: done
    events: [completed]
    to: {{fields: [phone_number]}}
    body: "{body}"
{more}"""
MORE = """  - name: again
    events: [completed]
    where: {weight: {gt: 1}}
    to: {fields: [phone_number]}
    body: "Once more."
"""


def write(folder: Path, body: str, more: str = "", settings: str = "") -> None:
    (folder / "rules.yaml").write_text(RULES.format(body=body, more=more), encoding="utf-8")
    (folder / "sms-notify.toml").write_text(f'country = "SG"\n{settings}')


def event(n: int, **fields: object) -> str:
    job = {"do_number": f"DO-{n}", "date": "2026-03-02", "phone_number": f"+6591230{n:03}"}
    line = {"event": "completed", "time": "2026-03-02T12:00:00+08:00", "job": job | fields}
    return json.dumps(line) + "\n"


def codes(cli: Cli, *options: str) -> list[str]:
    done = cli("rules", "lint", "--json", *options)
    assert done.code == 0, done.err
    return [line["code"] for line in done.json]


def test_a_character_of_the_body_that_makes_it_dear_is_named_with_its_twin(
    folder: Path, cli: Cli
) -> None:
    write(folder, "Your parcel is here ☺")
    (told,) = cli("rules", "lint", "--json").json
    assert told["code"] == "ucs2_body"
    assert "U+263A" in told["message"]
    assert (told["line"], told["column"], told["severity"]) == (5, 11, "warning")
    write(folder, "Your parcel’s here – “now”")  # noqa: RUF001 - what auto swaps by itself
    assert codes(cli) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Sua encomenda não chegou", "ã (U+00E3)"),
        ("Arrived 🎉", "(U+1F389)"),
        ("您的包裹已送达", ""),  # another alphabet, and meant
        ("Ваша посылка здесь", ""),
        ("{{ do_number }} \u2013 {# ☺ #} here", ""),
    ],
)
def test_the_words_alone_are_looked_at_by_validate_too(
    folder: Path, cli: Cli, body: str, told: str
) -> None:
    write(folder, body)
    found = cli("rules", "validate", "--json").json
    assert [one["code"] for one in found] == (["ucs2_body"] if told else [])
    assert not told or told in found[0]["message"]


def test_what_the_settings_say_against_rules_is_told_by_validate_too(
    folder: Path, cli: Cli
) -> None:
    account = (
        '[accounts.main]\nprovider = "8x8"\napi_key = { env = "NOT_SET" }\n'
        'subaccount_id = "acme"\nsender = "+6590000000"\nsenders = { MY = "ACME" }\n'
    )
    write(folder, "Done.", settings=f'countries = ["SG", "MY"]\n{account}')
    done = cli("rules", "validate", "--json")
    assert [(one["code"], one["severity"]) for one in done.json] == [("no_opt_out", "warning")]
    assert done.code == 0
    assert cli("rules", "validate", "--json", "rules.yaml").json == []


LANGUAGES = """
      en: "{{{{ do_number }}}} has arrived."
      zh: "{{{{ do_number }}}}{}"
"""


def test_what_languages_cost_is_compared(folder: Path, cli: Cli) -> None:
    write(folder, "x")
    rules = (folder / "rules.yaml").read_text().replace(' "x"', LANGUAGES.format("已送达。" * 20))
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    (sample,) = cli("rules", "lint", "--json").json
    assert sample["code"] == "language_cost"
    assert "1 in en (GSM7), 2 in zh (UCS2)" in sample["message"]
    lines = event(1) + event(2, phone_number="+8613800138000")
    (folder / "events.jsonl").write_text(lines)
    (folder / "sms-notify.toml").write_text('country = "SG"\ncountries = ["SG", "CN"]\n')
    advice = cli("rules", "lint", "--events", "events.jsonl", "--json").json
    told = [one["message"] for one in advice if one["code"] == "language_cost"]
    assert "1.00 in en (1), 2.00 in zh (1)" in told[1]


def test_values_of_real_jobs_are_looked_at(folder: Path, cli: Cli) -> None:
    write(folder, "Hi {{ deliver_to_collect_from }}, order {{ do_number }} has arrived.")
    (folder / "events.jsonl").write_text(
        event(1, deliver_to_collect_from="Mei")
        + event(2)
        + event(3, deliver_to_collect_from="王小明")
        + event(4, deliver_to_collect_from="Mei " * 40)
    )
    advice = {
        one["code"]: one["message"]
        for one in cli("rules", "lint", "--events", "events.jsonl", "--json").json
    }
    assert set(advice) == {"missing_values", "ucs2_values", "several_segments"}
    assert "deliver_to_collect_from is missing in 25% of the jobs" in advice["missing_values"]
    assert "deliver_to_collect_from with 160 characters" in advice["several_segments"]


def test_a_rule_that_never_speaks_and_two_that_speak_at_once(folder: Path, cli: Cli) -> None:
    write(folder, "Done.", MORE)
    (folder / "events.jsonl").write_text(event(1, weight=0.5))
    assert "never_fires" in codes(cli, "--events", "events.jsonl")
    (folder / "events.jsonl").write_text(event(1, weight=2))
    assert "two_texts" in codes(cli, "--events", "events.jsonl")


def test_a_text_that_waits_is_no_double(folder: Path, cli: Cli) -> None:
    write(folder, "Done.", MORE + "    after: 2h\n    unless: [feedback]\n")
    (folder / "e.jsonl").write_text(event(1, weight=5), encoding="utf-8")
    assert "two_texts" not in codes(cli, "--events", "e.jsonl")


def test_stored_events_are_looked_at_when_none_are_named(folder: Path, cli: Cli) -> None:
    write(folder, "Hi {{ deliver_to_collect_from }}")
    (folder / "events.jsonl").write_text(event(1))
    assert cli("process", "events.jsonl", "--as-of", "2026-03-02T12:05:00+08:00").code == 1
    assert codes(cli, "--since", "2026-03-01") == ["missing_values"]


def test_numbers_and_senders_that_cannot_work(folder: Path, cli: Cli) -> None:
    account = (
        '[accounts.main]\nprovider = "8x8"\napi_key = "k"\n'
        'subaccount_id = "acme"\nsender = "ACME"\n'
    )
    fixed = '  - name: staff\n    events: [failed]\n    to: {fixed: ["+12025550123"]}\n'
    write(folder, "Done.", f'{fixed}    body: "Failed."\n', account)
    assert codes(cli) == ["no_opt_out", "foreign_number"]


def test_strict_makes_advice_count(folder: Path, cli: Cli) -> None:
    write(folder, "☺")
    assert cli("rules", "lint", "--strict").code == 1
    write(folder, "plain")
    done = cli("rules", "lint", "--strict")
    assert done.code == 0
    assert "no advice" in done.err or "no pieces of advice" in done.err


@pytest.mark.parametrize("options", [["--events", "nowhere.jsonl"], ["nowhere.yaml"]])
def test_what_is_not_there_is_said(folder: Path, cli: Cli, options: list[str]) -> None:
    write(folder, "plain")
    done = cli("rules", "lint", *options)
    assert done.code == 2
    assert "nowhere" in done.err
