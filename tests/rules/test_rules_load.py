from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import RuleFileError
from smsnotify.model.problem import Problem
from smsnotify.model.rule import PreJob, Priority, QuietHours
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import check_rules, load_rules
from smsnotify.rules.schema import RuleKeys

ONE = """\
rules:
  - name: {name}
    events: [{event}]
    to: {{fields: [phone_number]}}
    body: "Order {{{{ do_number }}}}"
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def one(name: str = "a", event: str = "completed", extra: str = "", head: str = "") -> str:
    return head + ONE.format(name=name, event=event) + (f"    {extra}\n" if extra else "")


def load(folder: Path, text: str, country: str = "") -> RuleSet:
    rules, problems = check_rules([write(folder, "r.yaml", text)], country=country)
    assert problems == []
    assert rules is not None
    return rules


def problems_of(folder: Path, text: str) -> list[Problem]:
    _, problems = check_rules([write(folder, "r.yaml", text)])
    return problems


def test_a_rule_without_more_gets_the_documented_terms(tmp_path: Path) -> None:
    terms = load(tmp_path, one()).rules[0].terms
    assert terms.id == terms.name == "a"
    assert (terms.route, terms.tracking_link, terms.encoding) == ("default", "append", "auto")
    assert (terms.max_segments, terms.quiet_hours, terms.pre_job) == (3, None, None)
    assert (terms.max_age, terms.expires) == (timedelta(hours=24), timedelta(hours=24))
    assert (terms.repeat_each, terms.on_unknown, terms.channel) == (False, "hold", "sms")
    assert terms.priority("heading_to") is Priority.URGENT


def test_every_key_reaches_the_terms(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        """\
version: 1
custom_fields: {tier: string}
custom_events: [weighed]
defaults: {route: slow, quiet_hours: {from: "21:00", to: "08:00", then: drop}}
rules:
  - name: Everything
    id: every/thing 1
    enabled: yes
    channel: sms
    job_type: collection
    events: [weighed, failed]
    groups: north
    reasons: [Nobody at home]
    where: {tier: gold, items_count: {gte: 2, lt: 9}, customer: [ACME, Globex]}
    to: {fields: [sender_phone_number], fixed: ["9123 0000", +65 9876 5432]}
    body: |
      Line one {{ do_number }}
      {{ tracking_link }}
    route: fast
    tracking_link: inline
    max_segments: 5
    encoding: ucs2
    max_age: none
    expires: 2h
    repeat: each
    priority: bulk
    on_unknown: resend
""",
        country="SG",
    )
    [rule] = rules.rules
    terms = rule.terms
    assert (terms.id, terms.name, terms.route) == ("every/thing 1", "Everything", "fast")
    assert terms.quiet_hours == QuietHours(time(21), time(8), "drop")
    assert (terms.max_segments, terms.encoding, terms.tracking_link) == (5, "ucs2", "inline")
    assert (terms.max_age, terms.expires) == (None, timedelta(hours=2))
    assert (terms.repeat_each, terms.on_unknown) == (True, "resend")
    assert terms.priority("weighed") is Priority.BULK
    assert (rule.job_type, rule.groups, rule.reasons) == (
        "collection",
        {"north"},
        {"nobody at home"},
    )
    assert rule.events == {"weighed", "failed"}
    assert rule.fixed == ("+6591230000", "+6598765432")
    assert [each.describe() for each in rule.conditions] == [
        "eq gold",
        "gte 2",
        "lt 9",
        "in ACME, Globex",
    ]
    job = rules.job_type(do_number="D1", tracking_link="https://trk.la/x")
    assert terms.body(job) == "Line one D1\nhttps://trk.la/x"
    assert rules.routes == {"fast"}
    assert rules.custom_events == {"weighed"}
    assert (rule.file, rule.line) == (str(tmp_path / "r.yaml"), 6)


def test_a_rule_overrides_its_files_defaults(tmp_path: Path) -> None:
    head = (
        "defaults: {max_segments: 2, max_age: 1h, expires: 3h, encoding: gsm7, "
        'tracking_link: none, quiet_hours: {from: "20:00", to: "09:00"}}\n'
    )
    plain = load(tmp_path, one(head=head)).rules[0].terms
    assert (plain.max_segments, plain.encoding, plain.tracking_link) == (2, "gsm7", "none")
    assert (plain.max_age, plain.expires) == (timedelta(hours=1), timedelta(hours=3))
    assert plain.quiet_hours == QuietHours(time(20), time(9))
    for off in ("none", "null", "~", ""):
        own = load(tmp_path, one(head=head, extra=f"quiet_hours: {off}")).rules[0].terms
        assert own.quiet_hours is None
    text = one(head=head) + "    max_segments: 4\n    max_age: 2d\n    tracking_link: append\n"
    own = load(tmp_path, text).rules[0].terms
    assert (own.max_segments, own.max_age, own.tracking_link) == (4, timedelta(days=2), "append")


def test_a_body_with_the_tag_counts_as_inline(tmp_path: Path) -> None:
    text = one().replace("Order", "{{ tracking_link }} order")
    assert load(tmp_path, text).rules[0].terms.tracking_link == "inline"


def test_a_reminder_has_its_moment(tmp_path: Path) -> None:
    text = one(event="pre_job", extra='pre_job: {days_before: 0, at: "6:30", late: drop}')
    rules = load(tmp_path, text)
    assert rules.pre_job == rules.rules
    assert rules.rules[0].terms.pre_job == PreJob(0, time(6, 30), "drop")


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("", ("hold", "drop", "hold")),
        (", then: hold", ("hold", "hold", "hold")),
        (", then: drop", ("drop", "drop", "drop")),
        (", then: {default: hold}", ("hold", "hold", "hold")),
        (", then: {failed: drop}", ("hold", "drop", "drop")),
        (", then: {arrived: hold}", ("hold", "hold", "hold")),
        (", then: {default: drop, completed: hold}", ("hold", "drop", "drop")),
    ],
)
def test_what_is_no_news_later_is_dropped_unless_a_rule_says_more(
    tmp_path: Path, then: str, words: tuple[str, str, str]
) -> None:
    quiet = f'quiet_hours: {{from: "21:00", to: "08:00"{then}}}'
    rest = "events: [completed, arrived, failed], to: {fields: [phone_number]}, body: x"
    for text in (
        f"rules:\n  - {{name: a, {rest}, {quiet}}}\n",
        f"defaults: {{{quiet}}}\nrules:\n  - {{name: a, {rest}}}\n",
    ):
        hours = load(tmp_path, text).rules[0].terms.quiet_hours
        assert hours is not None
        assert tuple(map(hours.then_of, ("completed", "arrived", "failed"))) == words


def test_staff_have_no_quiet_hours(tmp_path: Path) -> None:
    quiet = 'quiet_hours: {from: "21:00", to: "08:00"}'
    rule = 'rules:\n  - {name: a, events: [failed], to: {fixed: ["+6591230000"]}, body: x'
    assert [one.code for one in problems_of(tmp_path, f"{rule}, {quiet}}}\n")] == ["no_effect"]
    assert problems_of(tmp_path, f"defaults: {{{quiet}}}\n{rule}}}\n") == []
    reminder = rule.replace("failed", "pre_job") + ', pre_job: {days_before: 1, at: "23:00"}}\n'
    assert problems_of(tmp_path, f"defaults: {{{quiet}}}\n{reminder}") == []
    terms = load(tmp_path, rule + "}\n").rules[0].terms
    assert terms.fixed == {"+6591230000"}


@pytest.mark.parametrize(
    ("shared", "own", "limits"),
    [
        ("", "", (24, 24)),
        ("2h", "", (2, 2)),
        ("{failed: 2h}", "", (24, 2)),
        ("{failed: 2h, default: 3h, arrived: 1h}", "", (3, 2)),
        ("{failed: 2h, default: 3h}", "{failed: 5h}", (3, 5)),
        ("{failed: 2h, default: 3h}", "{completed: 5h}", (5, 2)),
        ("{failed: 2h, default: 3h}", "{completed: 5h, default: 6h}", (5, 6)),
        ("{failed: 2h, default: 3h}", "7h", (7, 7)),
        ("{failed: 2h, default: none}", "", (None, 2)),
        ("none", "{failed: none, default: 1h}", (1, None)),
    ],
)
def test_ages_by_event_the_rules_word_first_then_the_files(
    tmp_path: Path, shared: str, own: str, limits: tuple[int | None, int | None]
) -> None:
    text = f"defaults: {{max_age: {shared}}}\n" if shared else ""
    text += "rules:\n  - name: a\n    events: [completed, failed]\n    body: x\n"
    text += "    to: {fields: [phone_number]}\n" + (f"    max_age: {own}\n" if own else "")
    terms = load(tmp_path, text).rules[0].terms
    found = [terms.age_limit(event) for event in ("completed", "failed")]
    assert found == [None if hours is None else timedelta(hours=hours) for hours in limits]


@pytest.mark.parametrize(
    ("quiet", "at", "wrong"),
    [
        ('{from: "21:00", to: "08:00"}', "20:59", False),
        ('{from: "21:00", to: "08:00"}', "21:00", True),
        ('{from: "21:00", to: "08:00"}', "07:59", True),
        ('{from: "21:00", to: "08:00"}', "08:00", False),
        ('{from: "12:00", to: "14:00"}', "13:00", True),
        ('{from: "12:00", to: "14:00"}', "14:00", False),
        ("none", "03:00", False),
    ],
)
def test_a_reminder_cannot_be_due_in_quiet_hours(
    tmp_path: Path, quiet: str, at: str, wrong: bool
) -> None:
    text = one(event="pre_job", extra=f'pre_job: {{days_before: 1, at: "{at}"}}')
    codes = [each.code for each in problems_of(tmp_path, text + f"    quiet_hours: {quiet}\n")]
    assert codes == (["pre_job_in_quiet_hours"] if wrong else [])


def test_unquoted_words_that_yaml_would_twist_stay_what_they_are(tmp_path: Path) -> None:
    text = one(name="NO", extra="where: {customer: [NO, 0123, 1e3], do_number: 18:30}")
    rule = load(tmp_path, text).rules[0]
    assert rule.terms.name == "NO"
    assert rule.matches(load(tmp_path, text).job_type(customer="0123", do_number="18:30"))


def test_a_folder_stands_for_its_rule_files(tmp_path: Path) -> None:
    write(tmp_path, "b.yml", one("b"))
    write(tmp_path, "a.yaml", one("a", "arrived"))
    write(tmp_path, "a.test.yaml", "not: a rule file")
    write(tmp_path, "notes.txt", "no yaml")
    write(tmp_path, ".hidden.yaml", "no: rules")
    rules, problems = check_rules([tmp_path, tmp_path / "b.yml"])
    assert problems == []
    assert rules is not None
    assert [rule.terms.name for rule in rules.rules] == ["a", "b"]
    assert rules.files == (str(tmp_path / "a.yaml"), str(tmp_path / "b.yml"))


def test_own_words_of_one_file_are_known_in_all(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.yaml",
        one("a", head="custom_events: [weighed]\ncustom_fields: {tier: string}\n"),
    )
    write(tmp_path, "b.yaml", one("b", "weighed", extra="where: {tier: gold}"))
    rules, problems = check_rules([tmp_path])
    assert problems == []
    assert rules is not None
    assert len(rules.rules) == 2


def test_two_files_must_agree_on_a_field(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", one("a", head="custom_fields: {tier: string}\n"))
    second = write(tmp_path, "b.yaml", one("b", "failed", head="custom_fields: {tier: number}\n"))
    _, [problem] = check_rules([tmp_path])
    assert (problem.file, problem.line) == (str(second), 1)
    assert problem.message == f"the field 'tier' is a number here and a string in {tmp_path}/a.yaml"


def test_one_id_in_two_files_names_both_places(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", one("same"))
    second = write(tmp_path, "b.yaml", one("same", "failed"))
    _, [problem] = check_rules([tmp_path])
    assert problem.place == f"{second}:2:11"
    assert f"{first}:2:11" in problem.message


def test_all_files_are_told_of_in_one_run(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", one("a", "completd"))
    write(tmp_path, "b.yaml", "rules: [")
    write(tmp_path, "c.yaml", one("c", "arived"))
    rules, problems = check_rules([tmp_path, tmp_path / "gone.yaml"])
    assert rules is None
    assert sorted(each.code for each in problems) == [
        "unknown_event",
        "unknown_event",
        "unreadable",
        "yaml",
    ]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    _, [gone] = check_rules([tmp_path / "gone.yaml"])
    assert gone.message == "the file cannot be read: no such file or directory"
    _, [folder] = check_rules([tmp_path])
    assert folder.message == "there is no rule file in this folder"
    _, [nothing] = check_rules([])
    assert nothing.message == "no rule file is named"


def test_a_file_that_may_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    _, [problem] = check_rules([tmp_path / "locked.yaml"])
    assert problem.message == "the file cannot be read: permission denied"


def test_load_rules_raises_with_the_first_error_and_all_problems(tmp_path: Path) -> None:
    path = write(tmp_path, "r.yaml", one("a", "completd", extra="groop: [x]"))
    with pytest.raises(RuleFileError) as caught:
        load_rules([path])
    told = "unknown event 'completd' (and 1 more)"
    assert str(caught.value) == f"{path}:3:14: {told}"
    assert caught.value.hint == "did you mean completed?"
    assert len(caught.value.problems) == 2
    path.write_text(one(), encoding="utf-8")
    assert load_rules([path]).rules[0].terms.name == "a"


TWO = """\
rules:
  - name: one
    events: [completed, failed]
    {first}
    to: {{fields: [phone_number]}}
    body: "x {{{{ do_number }}}}"
  - name: two
    events: [{event}]
    {second}
    to: {{fields: [{field}]}}
    body: "y {{{{ do_number }}}}"
"""


@pytest.mark.parametrize(
    ("first", "second", "event", "field", "warned"),
    [
        ("", "", "completed", "phone_number", True),
        ("", "", "completed", "sender_phone_number", False),
        ("", "", "arrived", "phone_number", False),
        ("", "enabled: false", "completed", "phone_number", False),
        ("job_type: delivery", "job_type: collection", "completed", "phone_number", False),
        ("job_type: delivery", "", "completed", "phone_number", True),
        ("groups: [North]", "groups: [South]", "completed", "phone_number", False),
        ("groups: [North]", "groups: [north, South]", "completed", "phone_number", True),
        ("reasons: [a]", "reasons: [b]", "failed", "phone_number", False),
        ("reasons: [a]", "", "failed", "phone_number", True),
        ("where: {zone: A}", "where: {zone: B}", "completed", "phone_number", False),
        ("where: {zone: A}", "where: {zone: A, depot: B}", "completed", "phone_number", True),
        ("where: {zone: A, depot: B}", "where: {depot: B}", "completed", "phone_number", True),
        ("where: {zone: A, depot: B}", "where: {depot: C}", "completed", "phone_number", False),
        ("where: {zone: A}", "", "completed", "phone_number", True),
        ("", "where: {zone: A}", "completed", "phone_number", True),
        ("", "after: 2h", "failed", "phone_number", False),
        ("for: 2h", "for: 2h", "failed", "phone_number", True),
    ],
)
def test_two_texts_to_one_person_are_warned_about(
    tmp_path: Path, first: str, second: str, event: str, field: str, warned: bool
) -> None:
    text = TWO.format(first=first, second=second, event=event, field=field)
    rules, problems = check_rules([write(tmp_path, "r.yaml", text)])
    assert rules is not None
    assert [(each.severity, each.code) for each in problems] == (
        [("warning", "overlap")] if warned else []
    )


def test_reminders_at_two_moments_are_meant(tmp_path: Path) -> None:
    text = one(event="pre_job", extra='pre_job: {days_before: 1, at: "18:00"}') + (
        "  - name: b\n    events: [pre_job]\n    pre_job: {days_before: 3, at: '18:00'}\n"
        "    to: {fields: [phone_number]}\n    body: x\n"
    )
    assert problems_of(tmp_path, text) == []


def test_one_fixed_number_in_two_rules_is_shown_masked(tmp_path: Path) -> None:
    text = "rules:\n" + "".join(
        f"  - name: {name}\n    events: [deleted]\n    body: x\n"
        "    to: {fixed: ['+6591230000']}\n"
        for name in ("a", "b")
    )
    [problem] = problems_of(tmp_path, text)
    assert problem.message == (
        "the rules 'a' and 'b' both text +65••••••00 for 'deleted': one person may get two texts"
    )


@pytest.mark.parametrize(
    ("extra", "event", "code"),
    [
        ("repeat: each", "feedback", "no_effect"),
        ("max_age: 1h", "pre_job", "no_effect"),
        ("max_segments: 1", "completed", "too_long"),
    ],
)
def test_what_can_do_nothing_is_warned_about(
    tmp_path: Path, extra: str, event: str, code: str
) -> None:
    text = one(event=event, extra=extra).replace("Order", "Order " + "x" * 200)
    if event == "pre_job":
        text += '    pre_job: {days_before: 1, at: "18:00"}\n'
    [problem] = problems_of(tmp_path, text)
    assert (problem.severity, problem.code) == ("warning", code)


def test_a_recipient_field_that_is_no_phone_field_is_warned_about(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, one().replace("[phone_number]", "[customer]"))
    assert (problem.severity, problem.code) == ("warning", "not_a_phone_field")


def test_a_text_with_branches_is_not_measured_and_plain_ones_count_without_fields(
    tmp_path: Path,
) -> None:
    for body in ("{% if zone %}{{ zone }}{% endif %}" + "x" * 900, "{{ note }}", "x" * 459):
        assert problems_of(tmp_path, one().replace("Order {{ do_number }}", body)) == []


def test_a_fixed_number_that_could_be_two_is_refused(tmp_path: Path) -> None:
    text = one().replace("{fields: [phone_number]}", "{fixed: ['6591230000']}")
    rules, problems = check_rules([write(tmp_path, "r.yaml", text)], country="SG")
    assert rules is not None, problems
    assert rules.rules[0].fixed == ("+6591230000",)


def test_a_template_in_a_merged_key_is_placed_where_it_was_written(tmp_path: Path) -> None:
    text = one().replace("Order {{ do_number }}", "{{ nope }}").replace("- name", "- &x\n    name")
    text += "  - <<: *x\n    name: b\n    events: [failed]\n"
    places = [(each.line, each.column, each.code) for each in problems_of(tmp_path, text)]
    assert places == [(6, 15, "bad_template")] * 2


def test_a_number_that_is_wrong_is_never_shown_in_full(tmp_path: Path) -> None:
    text = one().replace("{fields: [phone_number]}", "{fixed: ['91230000', '+656123400000']}")
    for problem in problems_of(tmp_path, text):
        assert "9123" not in str(problem)
        assert "61234" not in str(problem)


WORDS = st.sampled_from(
    [
        *("rules", "name", "events", "to", "fields", "fixed", "completed", "phone_number"),
        *("pre_job", "at", "where", "in", "18:00", "none", "x", "{{do_number}}", "1", "true"),
        *("quiet_hours", "from", "string"),
    ]
)
KEYS = st.sampled_from([*RuleKeys.model_fields])
TREES = st.recursive(
    WORDS | st.just(""),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=4),
    max_leaves=12,
)


def as_flow(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f'"{key}": {as_flow(value)}' for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(as_flow, tree)) + "]"
    return f'"{tree}"' if tree else "null"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(KEYS, TREES, max_size=10))
def test_no_shape_of_a_rule_makes_the_check_fail(tmp_path: Path, rule: dict[str, object]) -> None:
    rules, problems = check_rules([write(tmp_path, "r.yaml", f"rules: [{as_flow(rule)}]")])
    assert rules is not None or problems
    assert all(problem.line == 1 and problem.column >= 1 for problem in problems)


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ("Order {{ do_number }}", True),
        ("On {{ date }}", False),
        ("Your parcels", False),
        ("{{ jobs | length }} parcels, first {{ do_number }}", False),
    ],
)
def test_a_digest_that_tells_of_one_job_alone_is_pointed_out(
    tmp_path: Path, body: str, warned: bool
) -> None:
    text = one(extra="digest: {by: [date], wait: 10m}").replace("Order {{ do_number }}", body)
    found = [(one.severity, one.code) for one in problems_of(tmp_path, text)]
    assert found == ([("warning", "digest")] if warned else [])


def test_a_digest_appends_no_link_and_lets_each_job_bring_its_own(tmp_path: Path) -> None:
    plain = one(extra="digest: {by: [date], wait: 10m}").replace("Order {{ do_number }}", "x")
    assert load(tmp_path, plain).rules[0].terms.tracking_link == "none"
    linked = "{% for job in jobs %}{{ job.tracking_link }}{% endfor %}"
    rule = load(tmp_path, plain.replace('"x"', f'"{linked}"')).rules[0]
    assert rule.terms.tracking_link == "inline"
    assert {"date", "tracking_link"} <= rule.fields
