import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import MissingValueError, TemplateError
from smsnotify.model.job import ITEM_FIELDS, JOB_FIELDS
from smsnotify.text.template import MAX_LENGTH, Template, compile_template

LISTS = {"items": ITEM_FIELDS}


def template(source: str) -> Template:
    return compile_template(source, fields=JOB_FIELDS, lists=LISTS)


def render(source: str, **job: Any) -> str:
    return template(source).render(SimpleNamespace(**job))


def missing(source: str, **job: Any) -> str:
    with pytest.raises(MissingValueError) as caught:
        render(source, **job)
    return caught.value.field


def test_merge_tags_work_as_they_are_written_at_detrack() -> None:
    job = {"deliver_to_collect_from": "Mei Tan", "do_number": "DO-77"}
    source = "Hi {{deliver_to_collect_from}}, order {{ do_number }} has arrived."
    assert render(source, **job) == "Hi Mei Tan, order DO-77 has arrived."


def test_a_template_says_what_it_reads() -> None:
    made = template(
        "{{ do_number }}{% if zone %}{% for i in items %}{{ i.sku }}{% endfor %}{% endif %}"
    )
    assert made.fields == {"do_number", "zone"}
    assert made.loops == {"items"}
    assert template("plain words").fields == frozenset()
    assert template("Hi {{ zone }}\n").source == "Hi {{ zone }}\n"


@pytest.mark.parametrize("source", ["to {{ zone }}.", "to {{ zone ~ '.' }}"])
class TestAValueThatIsMissing:
    @pytest.mark.parametrize("value", [None, "", "  ", "\u00a0\n", float("nan"), [], [None], {}])
    def test_stops_the_text_when_it_is_null_or_blank(self, source: str, value: object) -> None:
        assert missing(source, zone=value) == "zone"

    def test_stops_the_text_when_the_job_has_no_such_attribute(self, source: str) -> None:
        assert missing(source) == "zone"


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("East", "East"),
        (" East ", " East "),
        (3, "3"),
        (0, "0"),
        (2.0, "2"),
        (2.5, "2.5"),
        (-0.1, "-0.1"),
        (1e22, "1e+22"),
        (True, "yes"),
        (False, "no"),
        (["a", None, 2], "a, 2"),
        (Decimal("2.50"), "2.50"),
        (date(2026, 3, 2), "2026-03-02"),
        (datetime(2026, 3, 2, 14, 30, tzinfo=UTC), "2026-03-02 14:30:00+00:00"),
    ],
)
def test_values_print_as_people_write_them(value: object, printed: str) -> None:
    assert render("{{ zone }}", zone=value) == printed
    assert render("{{ zone }}{# slow #}", zone=value) == printed


def test_default_stands_in_for_null_empty_and_blank() -> None:
    for value in (None, "", "  "):
        assert render("{{ zone | default('the north') }}", zone=value) == "the north"
        assert render("{{ zone | d(city) }}", zone=value, city="Ipoh") == "Ipoh"
    assert render('{{ zone|default("x") }}', zone="East") == "East"
    assert render("{{ zone | default('') }}!") == "!"


def test_a_field_that_stands_in_may_be_missing_itself() -> None:
    assert missing("{{ zone | default(city) }}") == "city"
    assert render("{{ zone | default(city) | default('here') }}") == "here"


def test_default_works_behind_other_filters_and_around_joined_texts() -> None:
    assert render("{{ last_name | upper | default('you') }}") == "you"
    assert render("{{ (zone ~ ', ' ~ city) | default('here') }}", zone="East") == "here"
    assert render("{{ zone ~ ', ' ~ city }}", zone="East", city="Ipoh") == "East, Ipoh"


def test_a_filter_that_leaves_nothing_leaves_a_missing_value() -> None:
    assert missing("{{ zone | replace('East', '') }}", zone="East") == "zone"
    assert (
        missing("{{ (zone ~ city) | replace('EastEast', '') }}", zone="East", city="East") == "zone"
    )
    assert render("{{ zone | replace('East', '') | default('?') }}", zone="East") == "?"


@pytest.mark.parametrize(
    ("condition", "job", "true"),
    [
        ("zone", {}, False),
        ("zone", {"zone": " "}, False),
        ("zone", {"zone": "East"}, True),
        ("not zone", {}, True),
        ("zone is defined", {"zone": ""}, False),
        ("zone is not defined", {"zone": None}, True),
        ("boxes", {"boxes": 0}, False),
        ("boxes == 2", {"boxes": "2"}, True),
        ("boxes == '2'", {"boxes": 2.0}, True),
        ("zone == '2'", {"zone": "02"}, False),
        ("zone == 2", {"zone": ["2"]}, True),
        ("zone > 1", {"zone": "2" * 41}, False),
        ("boxes > 9", {"boxes": "10"}, True),
        ("boxes > 9", {}, False),
        ("boxes <= 9", {}, False),
        ("boxes > 9", {"boxes": "many"}, False),
        ("boxes >= pieces", {"boxes": "10", "pieces": "9"}, True),
        ("temperature < -5", {"temperature": -18}, True),
        ("eta_time < '12:00'", {"eta_time": "09:30"}, True),
        ("1 < attempt < 4", {"attempt": 3}, True),
        ("1 < attempt < 3", {"attempt": 3}, False),
        ("zone == city", {}, False),
        ("zone != 'East'", {}, True),
        ("status in ['failed', 'on_hold']", {"status": "failed"}, True),
        ("status not in ('failed', 'on_hold')", {"status": "return"}, True),
        ("attempt in [1, 2]", {"attempt": "2"}, True),
        ("'fragile' in instructions", {"instructions": "fragile, up"}, True),
        ("'fragile' in instructions", {}, False),
        ("zone in ['East']", {}, False),
        ("reattempted == true", {"reattempted": "true"}, True),
        ("reattempted == true", {"reattempted": "maybe"}, False),
        ("reattempted != false", {"reattempted": False}, False),
        ("boxes == true", {"boxes": 2}, False),
        ("zone and city", {"zone": "East", "city": "Ipoh"}, True),
        ("zone or city", {"city": "Ipoh"}, True),
        ("items", {"items": []}, False),
        ("items", {"items": [{}]}, True),
        ("items", {"items": "none"}, False),
        ("items | length > 1", {"items": [{}, {}]}, True),
        ("items | length > 1", {}, False),
    ],
)
def test_conditions_read_values_as_people_do(
    condition: str, job: dict[str, object], true: bool
) -> None:
    source = f"{{% if {condition} %}}true{{% else %}}false{{% endif %}}"
    assert render(source, **job) == str(true).lower()


def test_elif_and_inline_if_choose_one_text() -> None:
    source = "{% if boxes > 9 %}a van{% elif boxes > 1 %}a bike{% else %}on foot{% endif %}"
    assert [render(source, boxes=n) for n in (10, 2, 1)] == ["a van", "a bike", "on foot"]
    assert render("{{ 'again' if attempt > 1 else 'today' }}", attempt=2) == "again"
    assert render("{{ zone or 'somewhere' }}") == "somewhere"


def test_a_loop_prints_the_entries_of_a_list() -> None:
    source = (
        "{% for item in items %}{{ loop.index }}. {{ item.sku }} x {{ item.quantity }}"
        "{% if not loop.last %}, {% endif %}{% else %}nothing{% endfor %}"
    )
    items = [{"sku": "S1", "quantity": 2}, {"sku": "S2", "quantity": "1"}]
    assert render(source, items=items) == "1. S1 x 2, 2. S2 x 1"
    assert render(source, items=[SimpleNamespace(**one) for one in items]) == "1. S1 x 2, 2. S2 x 1"
    assert render(source, items=None) == "nothing"
    assert render(source) == "nothing"


def test_a_loop_may_choose_its_entries() -> None:
    source = "{% for i in items if i.reject_quantity > 0 %}{{ i.sku }};{% endfor %}"
    items = [{"sku": "A", "reject_quantity": 0}, {"sku": "B", "reject_quantity": 1}, {"sku": "C"}]
    assert render(source, items=items) == "B;"


def test_an_entry_without_the_field_stops_the_text() -> None:
    source = "{% for item in items %}{{ item.sku }}{% endfor %}"
    for entry in ({}, {"sku": " "}, {"sku": None}, "text", 5, None):
        assert missing(source, items=[entry]) == "items.sku"
    assert render("{% for i in items %}{{ i.sku | default('?') }}{% endfor %}", items=[{}]) == "?"


def test_an_entry_that_is_no_object_gives_none_of_its_methods() -> None:
    made = compile_template(
        "{% for i in items %}{{ i.title }}{% endfor %}", fields=(), lists={"items": ["title"]}
    )
    with pytest.raises(MissingValueError):
        made.render(SimpleNamespace(items=["a text has a method title"]))


def test_any_list_of_the_caller_can_be_looped_over() -> None:
    made = compile_template(
        "{% for job in jobs %}{{ job.do_number }} {% endfor %}",
        fields=["do_number"],
        lists={"jobs": ["do_number"]},
    )
    jobs = [SimpleNamespace(do_number="A"), SimpleNamespace(do_number="B")]
    assert made.render(SimpleNamespace(jobs=jobs)) == "A B "


def test_names_beyond_a_job_are_fields_like_any_other() -> None:
    made = compile_template("{{ shop }}: {{ return }}", fields=["shop", "return"])
    assert made.render(SimpleNamespace(shop="Acme", **{"return": "Monday"})) == "Acme: Monday"
    assert made.fields == {"shop", "return"}


def test_the_last_line_end_is_dropped_and_others_are_kept() -> None:
    assert render("one\r\ntwo\n") == "one\ntwo"
    assert render("{{ zone }}\n\n", zone="East") == "East\n"
    assert render("{% if zone %}{{ zone }}{% endif %}\n\n", zone="East") == "East\n"


def test_blocks_may_stand_eight_deep() -> None:
    assert render("{% if zone %}" * 8 + "x" + "{% endif %}" * 8, zone="East") == "x"


def test_comments_and_whitespace_control_are_fine() -> None:
    assert render("a {#- not printed -#} b") == "ab"
    assert render("a {%- if zone -%} b {%- endif -%} c", zone="x") == "abc"
    assert render("a {{- zone -}} c", zone="b") == "abc"


def test_braces_that_are_no_tags_are_words() -> None:
    assert render("{ {{ zone }} } 100% #1 {", zone="a") == "{ a } 100% #1 {"
    assert render("{{ zone }}}", zone="a") == "a}"


def test_a_value_is_never_read_as_a_template() -> None:
    assert render("{{ zone }}", zone="{{ city }}") == "{{ city }}"
    assert render("{{ zone | upper }}", zone="{{ city }}") == "{{ CITY }}"


def test_the_order_of_missing_values_is_that_of_the_text() -> None:
    assert missing("{{ zone }} {{ city }}") == "zone"
    assert missing("{{ zone | default('x') }} {{ city }} {{ zone }}") == "city"


def test_a_text_beyond_any_use_is_refused() -> None:
    with pytest.raises(TemplateError, match="longer than 10000 characters"):
        template("x" * (MAX_LENGTH + 1))
    with pytest.raises(TemplateError, match="half a character"):
        template("\ud83d")


def test_plain_templates_load_neither_jinja2_nor_babel() -> None:
    code = (
        "import sys; from smsnotify.text.template import compile_template as c;"
        "c('Hi {{ zone }}, {{ city | default(\"x\") }}', fields=['zone', 'city']);"
        "sys.exit(bool({'jinja2', 'babel', 'difflib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_checking_a_date_pattern_does_not_load_babel() -> None:
    code = (
        "import sys; from smsnotify.text.template import compile_template as c;"
        "c('{{ date | date(\"d MMM\") }}', fields=['date']); sys.exit('babel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_SCRAPS = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        " ",
        "\n",
        "'",
        '"',
        "|",
        "(",
        ")",
        ".",
        "[",
        "]",
        "-",
        "if ",
        "endif",
        "for i in items",
        "endfor",
        "else",
        "zone",
        "i.sku",
        "loop.index",
        "x",
        "5",
        "default('a')",
        "upper",
        "in ",
        "not ",
        "and ",
        "==",
        "~",
        "*",
        "is defined",
        "é",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_SCRAPS, max_size=25).map("".join) | st.text(max_size=40))
def test_whatever_is_written_renders_or_is_refused_with_a_line(source: str) -> None:
    try:
        made = template(source)
    except TemplateError as error:
        line = error.line
    else:
        line = 1
        job = SimpleNamespace(zone="East", items=[{"sku": "S1"}])
        assert isinstance(made.render(job), str)
    assert 1 <= line <= source.count("\n") + source.count("\r") + 1


SPACES = {"contact": None, "replies": {"ask"}}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ contact.first_name }}!", "Hi Mei!"),
        ("{{ contact.first_name | upper }} {{ replies.ask }}", "MEI 2"),
        ("{{ contact.tier | default('new') }}", "new"),
        ("{% if contact.tier is defined %}a{% else %}b{% endif %}", "b"),
        ("{% if replies.ask == 2 %}two{% endif %} {{ do_number }}", "two DO-1"),
        ("{{ 'x' ~ contact.first_name }}", "xMei"),
        ("{{ contact . first_name }}", "Mei"),
    ],
)
def test_a_name_with_a_dot_is_read_from_one_attribute(source: str, text: str) -> None:
    made = compile_template(source, fields=JOB_FIELDS, lists=LISTS, namespaces=SPACES)
    view = SimpleNamespace(contact__first_name="Mei", replies__ask="2", do_number="DO-1")
    assert made.render(view) == text
    assert made.fields <= {"contact__first_name", "contact__tier", "replies__ask", "do_number"}


@pytest.mark.parametrize("source", ["{{ contact.tier }}", "{{ contact.tier | upper }}"])
def test_a_missing_name_with_a_dot_is_called_as_it_is_written(source: str) -> None:
    made = compile_template(source, fields=JOB_FIELDS, namespaces=SPACES)
    with pytest.raises(MissingValueError) as caught:
        made.render(SimpleNamespace())
    assert caught.value.field == "contact.tier"


def test_what_is_read_of_a_lists_entries_is_told() -> None:
    lists = {"jobs": {"do_number", "address", "eta_time"}, "items": {"sku"}}
    source = (
        "{% for job in jobs %}{{ job.address }}{% endfor %}"
        "{{ jobs | join(', ', attribute='do_number') }}"
        "{% for one in items %}{{ one.sku }}{% endfor %}"
    )
    made = compile_template(source, fields=(), lists=lists)
    assert made.entries == {"jobs": {"address", "do_number"}, "items": {"sku"}}
