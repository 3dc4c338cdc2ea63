"""`rules diff`: what a change of rules would have changed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from cli_calls import Cli

from smsnotify.cli.rules_diff import exceeded, read_limits, word_diff

RULE = """  - name: {name}
    id: {id}
    events: [{event}]
    to: {{fields: [phone_number]}}
    body: "{body}"
"""


def rules(*written: str) -> str:
    return "rules:\n" + "".join(written)


def rule(
    name: str = "done", id: str = "done", event: str = "completed", body: str = "Order arrived."
) -> str:
    return RULE.format(name=name, id=id, event=event, body=body)


def event(n: int, name: str = "completed", at: str = "2026-03-02T12:00:00+08:00") -> str:
    job = {"do_number": f"DO-{n}", "date": "2026-03-02", "phone_number": f"+6591230{n:03}"}
    return json.dumps({"event": name, "time": at, "job": job}) + "\n"


@pytest.fixture
def desk(folder: Path, cli: Cli) -> Cli:
    """Old rules, and settings with a price."""
    (folder / "sms-notify.toml").write_text(
        'country = "SG"\ntimezone = "Asia/Singapore"\n'
        '[prices]\ncurrency = "EUR"\nsandbox = {SG = 0.05}\n'
    )
    (folder / "old.yaml").write_text(rules(rule()))
    (folder / "events.jsonl").write_text(event(1) + event(2) + event(3, "failed"))
    return cli


def diff(desk: Cli, folder: Path, new: str, *options: str) -> list[dict[str, object]]:
    (folder / "new.yaml").write_text(new)
    done = desk("rules", "diff", "old.yaml", "new.yaml", "--json", *options)
    assert done.code in (0, 1), done.err
    return done.json


def test_the_same_rules_change_nothing_and_nothing_is_stored(desk: Cli, folder: Path) -> None:
    (told,) = diff(desk, folder, rules(rule()), "--events", "events.jsonl")
    assert (told["events"], told["people"], told["texts"]) == (3, 0, [2, 2])
    assert told["cost"] == ["0.10", "0.10"]
    assert list(folder.glob("*.db")) == []


def test_changed_words_are_shown_and_a_renamed_rule_is_the_same_one(
    desk: Cli, folder: Path
) -> None:
    new = rules(rule(name="delivered", body="Parcel arrived."))
    first, _, told = diff(desk, folder, new, "--events", "events.jsonl")
    assert (first["kind"], first["rule"]) == ("changed", "delivered")
    assert (told["changed"], told["people"]) == (2, 2)
    done = desk("rules", "diff", "old.yaml", "new.yaml", "--events", "events.jsonl")
    assert "[-Order-]{+Parcel+} arrived." in done.out


def test_added_and_removed_texts_say_what_stops_the_other(desk: Cli, folder: Path) -> None:
    long = "x" * 200
    new = rules(rule(body=long) + "    max_segments: 1\n", rule(name="no", id="no", event="failed"))
    changes = diff(desk, folder, new, "--events", "events.jsonl")
    assert [(one.get("kind"), one.get("job")) for one in changes[:-1]] == [
        ("removed", "DO-1"),
        ("removed", "DO-2"),
        ("added", "DO-3"),
    ]
    after = changes[0]["after"]
    assert isinstance(after, dict)
    assert (after["verdict"], after["reason"]) == ("stop", "too_long")


def test_a_digest_counts_once(desk: Cli, folder: Path) -> None:
    told = "".join(event(1).replace("DO-1", f"DO-{n}") for n in range(1, 4))
    (folder / "events.jsonl").write_text(told + event(2))
    new = rule().replace("    body", "    digest: {by: [date], wait: 5m}\n    body")
    *changes, sums = diff(desk, folder, rules(new), "--events", "events.jsonl")
    assert [change["kind"] for change in changes] == ["moved"] * 4
    assert (sums["texts"], sums["cost"]) == ([4, 2], ["0.20", "0.10"])


def test_quiet_hours_move_texts_in_time(desk: Cli, folder: Path) -> None:
    (folder / "events.jsonl").write_text(event(1, at="2026-03-02T22:30:00+08:00"))
    quiet = '    quiet_hours: {from: "21:00", to: "08:00"}\n'
    (change, told) = diff(desk, folder, rules(rule() + quiet), "--events", "events.jsonl")
    assert (change["kind"], told["moved"]) == ("moved", 1)
    shown = desk("rules", "diff", "old.yaml", "new.yaml", "--events", "events.jsonl").out
    assert "    at once -> 2026-03-03 08:00 (Asia/Singapore)\n" in shown


def test_a_run_tells_times_by_the_settings_clock(desk: Cli, folder: Path) -> None:
    quiet = '    quiet_hours: {from: "21:00", to: "08:00"}\n'
    (folder / "rules.yaml").write_text(rules(rule() + quiet))
    at = "2026-03-02T22:30:00+08:00"
    (folder / "events.jsonl").write_text(event(1, at=at))
    held = "DO-1  +6591230001  until 2026-03-03 08:00 (Asia/Singapore)  quiet_hours: "
    for command in (("preview",), ("process", "--dry-run", "-v")):
        assert held in desk(*command, "events.jsonl", "--as-of", at).out


def test_a_text_that_comes_with_a_later_event_has_moved(desk: Cli, folder: Path) -> None:
    """At first the name is missing and the new rule says nothing; the second event brings it."""
    named = json.loads(event(1))
    named["job"]["deliver_to_collect_from"] = "Mei"
    later = json.dumps(named | {"time": "2026-03-02T13:00:00+08:00"}) + "\n"
    (folder / "events.jsonl").write_text(event(1) + later)
    new = rules(rule(body="Hi {{ deliver_to_collect_from }}"))
    told = diff(desk, folder, new, "--events", "events.jsonl")[-1]
    assert (told["added"], told["removed"], told["moved"], told["people"]) == (0, 0, 1, 1)


def test_stored_events_are_gone_through_at_the_time_when_they_came(desk: Cli, folder: Path) -> None:
    (folder / "rules.yaml").write_text((folder / "old.yaml").read_text())
    assert desk("process", "events.jsonl", "--as-of", "2026-03-02T12:05:00+08:00").code == 0
    assert desk("contacts", "opt-out", "+6591230001").code == 0
    new = rules(rule(body="Parcel arrived."))
    told = diff(desk, folder, new, "--since", "2026-03-01")[-1]
    # Who has opted out meanwhile is texted by neither.
    assert (told["events"], told["changed"], told["texts"]) == (3, 1, [1, 1])


def test_limits_end_with_one(desk: Cli, folder: Path) -> None:
    (folder / "new.yaml").write_text(rules(rule(body="x" * 170)))
    call = ("rules", "diff", "old.yaml", "new.yaml", "--events", "events.jsonl", "--fail-over")
    assert desk(*call, "people=2,cost=100%,texts=0").code == 0
    over = desk(*call, "people=1,cost=99%")
    assert over.code == 1
    assert "more people than" in over.err
    assert "more cost than" in over.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "which events"),
        (["--events", "events.jsonl", "--since", "3d"], "which events"),
        (["--events", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--events", "events.jsonl", "--fail-over", "people=many"], "is no limit"),
        (["--events", "events.jsonl", "--fail-over", "people=5%"], "people are counted"),
        (["--events", "events.jsonl", "--fail-over", "mood=1"], "the names are"),
    ],
)
def test_what_cannot_be_compared(desk: Cli, options: list[str], words: str) -> None:
    done = desk("rules", "diff", "old.yaml", "old.yaml", *options)
    assert done.code == 2
    assert words in done.err


def test_broken_lines_are_told_and_the_rest_is_compared(desk: Cli, folder: Path) -> None:
    (folder / "events.jsonl").write_text(event(1) + "no json\n" + event(2))
    done = desk("rules", "diff", "old.yaml", "old.yaml", "--events", "events.jsonl", "--json")
    assert done.code == 1
    assert [line["type"] for line in done.json] == ["rejected", "diff"]
    assert done.json[-1]["texts"] == [2, 2]


def test_word_diff_keeps_every_word() -> None:
    assert word_diff("a b  c", "a x  c d") == "a [-b-]{+x+}  c{+ d+}"
    assert word_diff("", "new") == "{+new+}"


def test_a_fall_exceeds_nothing_and_from_nothing_every_share_is() -> None:
    limits = read_limits("cost=5%")
    assert exceeded(limits, 0, {"cost": (Decimal(10), Decimal(1))}) == []
    assert exceeded(limits, 0, {"cost": (Decimal(0), Decimal(1))}) == ["cost"]
    assert exceeded(limits, 0, {"cost": (Decimal(0), Decimal(0))}) == []


def at(minute: int, n: int, name: str = "completed") -> str:
    return event(n, name, f"2026-03-02T12:{minute:02}:00+08:00")


WAITS = "    after: 20m\n    unless: [feedback]\n"


def test_what_waits_is_let_go_by_the_clock_of_the_events(desk: Cli, folder: Path) -> None:
    """The first is overtaken before its time, the second after it; the third by nothing."""
    (folder / "events.jsonl").write_text(
        at(0, 1) + at(0, 2) + at(0, 3) + at(0, 3) + at(10, 1, "feedback") + at(40, 2, "feedback")
    )
    changes = diff(desk, folder, rules(rule() + WAITS), "--events", "events.jsonl")
    told = {one["job"]: one for one in changes[:-1]}
    assert {job: one["kind"] for job, one in told.items()} == {
        "DO-1": "removed",
        "DO-2": "moved",
        "DO-3": "moved",
    }
    assert told["DO-1"]["after"]["reason"] == "overtaken"  # type: ignore[index]
    assert told["DO-2"]["after"]["not_before"] == "2026-03-02T04:20:00+00:00"  # type: ignore[index]
    assert (changes[-1]["texts"], changes[-1]["people"]) == ([3, 2], 3)


def test_texts_that_wait_differently_are_compared_when_both_have_left(
    desk: Cli, folder: Path
) -> None:
    (folder / "old.yaml").write_text(rules(rule() + WAITS))
    (folder / "events.jsonl").write_text(at(0, 1) + at(0, 2) + at(25, 3) + at(45, 1, "feedback"))
    new = rules(rule() + WAITS.replace("20m", "50m"))
    *changes, told = diff(desk, folder, new, "--events", "events.jsonl")
    assert sorted((one["job"], one["kind"]) for one in changes) == [
        ("DO-1", "removed"),
        ("DO-2", "moved"),
        ("DO-3", "moved"),
    ]
    assert (told["texts"], told["added"], told["moved"]) == ([3, 2], 0, 2)


def test_a_status_must_stay_the_same_in_a_replay_too(desk: Cli, folder: Path) -> None:
    (folder / "events.jsonl").write_text(
        at(0, 1, "on_hold") + at(0, 2, "on_hold") + at(30, 1, "in_transit") + at(50, 1, "on_hold")
    )
    new = rules(rule() + "", rule("stuck", "stuck", "on_hold", "Stuck.") + "    for: 45m\n")
    first, second, told = diff(desk, folder, new, "--events", "events.jsonl")
    assert [(one["job"], one["kind"]) for one in (first, second)] == [
        ("DO-2", "added"),
        ("DO-1", "added"),
    ]
    when = [one["after"]["not_before"][11:16] for one in (first, second)]  # type: ignore[index]
    assert when == ["04:45", "05:35"]
    assert told["texts"] == [0, 2]


def test_unreadable_lines_are_told_with_the_file_that_they_stand_in(
    desk: Cli, folder: Path
) -> None:
    (folder / "new.yaml").write_text(rules(rule()))
    (folder / "more.jsonl").write_text(event(4) + "not json\n")
    files = ("--events", "events.jsonl", "--events", "more.jsonl")
    done = desk("rules", "diff", "old.yaml", "new.yaml", *files)
    assert (done.code, done.err.startswith("more.jsonl:2: rejected, not_json")) == (1, True)
    told = desk("rules", "diff", "old.yaml", "new.yaml", *files, "--json").json
    assert [(row["source"], row["line"]) for row in told if row["type"] == "rejected"] == [
        ("more.jsonl", 2)
    ]


def test_of_many_unreadable_lines_the_first_are_told(desk: Cli, folder: Path) -> None:
    (folder / "new.yaml").write_text(rules(rule()))
    (folder / "events.jsonl").write_text("not json\n" * 30)
    done = desk("rules", "diff", "old.yaml", "new.yaml", "--events", "events.jsonl")
    told = done.err.splitlines()
    assert [line.split(":")[1] for line in told[:10]] == [str(n) for n in range(1, 11)]
    assert (done.code, told[10:]) == (1, ["… and more: 30 lines rejected in all"])


def test_a_since_that_is_none_is_wrong_usage_where_nothing_is_stored_too(
    desk: Cli, folder: Path
) -> None:
    (folder / "rules.yaml").write_text(rules(rule()))
    for command in (("diff", "old.yaml", "old.yaml"), ("lint",)):
        done = desk("rules", *command, "--since", "5x")
        assert (done.code, "'5x' is no point in time" in done.err) == (2, True)
