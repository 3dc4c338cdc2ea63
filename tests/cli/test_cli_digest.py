"""Digests on the command line: what waits, what left with whom, and what it cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import Cli

RULES = """
rules:
  - name: loaded
    events: [out_for_delivery]
    digest: {by: [phone_number, date], wait: 10m}
    max_age: none
    to: {fields: [phone_number]}
    body: "On the van: {{ jobs | join(', ', attribute='do_number') }}"
"""


@pytest.fixture
def desk(folder: Path, cli: Cli) -> Cli:
    (folder / "sms-notify.toml").write_text(
        'country = "SG"\ntimezone = "Asia/Singapore"\n'
        '[prices]\ncurrency = "EUR"\nsandbox = {SG = 0.05}\n'
    )
    (folder / "rules.yaml").write_text(RULES)
    jobs = [
        {"id": f"j{n}", "do_number": f"DO-{n}", "date": "2026-03-03", "phone_number": "91230000"}
        for n in (1, 2, 3)
    ]
    lines = [json.dumps({"event": "out_for_delivery", "job": job}) for job in jobs]
    (folder / "events.jsonl").write_text("\n".join(lines))
    return cli


def loaded(desk: Cli) -> Cli:
    """Let three jobs be loaded, and the window end."""
    assert desk("process", "events.jsonl", "--as-of", "2026-03-02T12:00:00+08:00").code == 0
    assert desk("tick", "--as-of", "2026-03-02T12:10:00+08:00").code == 0
    return desk


def test_preview_and_dry_run_say_that_a_text_waits_for_others(desk: Cli) -> None:
    at = ("--as-of", "2026-03-02T12:00:00+08:00", "--json")
    previewed = desk("preview", "events.jsonl", *at).json
    assert [(one["verdict"], one["reason"], one["body"]) for one in previewed] == [
        ("hold", "digest", f"On the van: DO-{n}") for n in (1, 2, 3)
    ]
    assert [one["detail"] for one in previewed] == [
        "waits for more of the same phone_number, date",
        *["joins those of the same phone_number, date"] * 2,
    ]
    assert {one["not_before"] for one in previewed} == {"2026-03-02T04:10:00+00:00"}
    *rehearsed, _ = desk("process", "--dry-run", "-v", "events.jsonl", *at).json
    assert rehearsed == previewed


def test_why_tells_that_a_job_went_out_with_another(desk: Cli) -> None:
    told = loaded(desk)("why", "DO-2").out
    assert "merged, it went out with that of DO-1: delivered at 2026-03-02 12:10:00" in told
    assert "“On the van: DO-1, DO-2, DO-3”" in told
    assert "“On the van: DO-2”" not in told
    assert "tells of DO-2, DO-3 too" in desk("why", "DO-1").out
    by_number = desk("why", "91230000").out
    assert by_number.count("merged, it went out with that of DO-1") == 2
    assert by_number.count("“On the van") == 1
    messages = [one for one in desk("why", "DO-2", "--json").json if one["type"] == "message"]
    assert [one["state"] for one in messages] == ["delivered", "cancelled"]
    assert messages[1]["carried_by"] == messages[0]["id"]


def test_the_outbox_shows_who_carries_whom_and_sends_none_of_them_alone(desk: Cli) -> None:
    messages = {one["job"]: one for one in loaded(desk)("outbox", "list", "--json").json}
    carrier, carried = messages["DO-1"]["id"], messages["DO-3"]["id"]
    assert "tells of" in desk("outbox", "show", carrier).out
    (shown,) = [one for one in desk("outbox", "show", carrier, "--json").json if "carries" in one]
    assert shown["carries"] == [messages["DO-2"]["id"], carried]
    assert carrier in desk("outbox", "show", carried).out
    refused = desk("outbox", "retry", carried)
    assert refused.code == 2
    assert "another message tells of it too" in refused.err


def test_a_report_counts_a_digest_once(desk: Cli) -> None:
    rows = loaded(desk)("report", "--since", "2026-03-01", "--csv").out.splitlines()
    assert [row for row in rows if "cancelled" in row] == []
    assert len([row for row in rows if "loaded" in row]) == 1


def test_a_merged_text_is_told_when_asked_for(desk: Cli) -> None:
    assert desk("process", "events.jsonl", "--as-of", "2026-03-02T12:00:00+08:00").code == 0
    told = desk("tick", "-v", "--as-of", "2026-03-02T12:10:00+08:00").out
    assert "join  loaded  DO-2  merged" in told
