"""What a template may not say, and the sentence that each writer gets."""
# ruff: noqa: E501 - a row is a template, its message and its hint

import pytest

from smsnotify.base.errors import TemplateError
from smsnotify.model.job import ITEM_FIELDS, JOB_FIELDS
from smsnotify.text.template import compile_template
from smsnotify.text.template_errors import ALLOWED

LOOP = "{% for one in items %}{{ one.sku }}{% endfor %}"
NO_FIELD = "other fields than a job's go into custom_fields"
ONLY_LOOPS = "only a loop's variable has fields: {% for item in items %}{{ item.sku }}"


def refused(source: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, fields=JOB_FIELDS, lists={"items": ITEM_FIELDS})
    return caught.value


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("{{ ''.__class__ }}", "'.__class__' is not allowed in a template", ONLY_LOOPS),
        ("{{ do_number.__class__ }}", "'.__class__' is not allowed in a template", ONLY_LOOPS),
        ("{{ do_number.upper() }}", "a call is not allowed in a template", ALLOWED),
        ("{{ do_number[0] }}", "do_number[…] is not allowed in a template", ALLOWED),
        ("{{ 'text'[0] }}", "[…] after a value is not allowed in a template", ALLOWED),
        ("{{ range(9) }}", "the call range(…) is not allowed in a template", ALLOWED),
        ("{{ self }}", "unknown field 'self'", NO_FIELD),
        ("{{ config }}", "unknown field 'config'", NO_FIELD),
        ("{{ loop }}", "unknown field 'loop'", NO_FIELD),
        ("{{ loop.index }}", "'.index' is not allowed in a template", ONLY_LOOPS),
        ("{{ none }}", "none is not allowed in a template", "ask with `is defined`, or use default('…')"),
        ("{{ 2 ** 9 }}", "arithmetic (**) is not allowed in a template", "join texts with ~"),
        ("{{ 'a' * 10 }}", "arithmetic (*) is not allowed in a template", "join texts with ~"),
        ("{{ -boxes }}", "arithmetic (-) is not allowed in a template", "join texts with ~"),
        ("{{ [1] }}", "a list is not allowed in a template", "lists stand after `in` only"),
        ("{{ {'a': 1} }}", "this expression (dict) is not allowed in a template", ALLOWED),
        ("{{ 'x' if zone }}", "an if without else within {{ }} is not allowed in a template", "add else '…'"),
        ("{{ zone is odd }}", "'is odd' is not allowed in a template", "write `is defined` or `is not defined`"),
        ("{{ '\\ud800' }}", "half a character is not allowed in a template", ALLOWED),
        ("{{ " + "9" * 5000 + " }}", "a number in the template is too long", "shorten it"),
    ],
)  # fmt: skip
def test_expressions_beyond_fields_and_filters(source: str, message: str, hint: str) -> None:
    error = refused(source)
    assert (str(error), error.hint) == (message, hint)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("{{ deliver_to }}", "unknown field 'deliver_to'", "did you mean deliver_to_collect_from?"),
        ("{{ do_numbr }}", "unknown field 'do_numbr'", "did you mean do_number?"),
        ("{{ DO_Number }}", "unknown field 'DO_Number'", "did you mean do_number?"),
        ("{% if zonne %}{% endif %}", "unknown field 'zonne'", "did you mean zone?"),
        ("{{ zone | uper }}", "unknown filter 'uper'", "did you mean upper?"),
        ("{{ zone | markdown }}", "unknown filter 'markdown'", ""),
        ("{{ zone | _eq('a') }}", "unknown filter '_eq'", ""),
        ("{{ zone | a.b }}", "unknown filter 'a.b'", ""),
        ("{% for i in items %}{{ i.skuu }}{% endfor %}", "unknown field 'i.skuu'", "did you mean sku?"),
        ("{% for i in items %}{{ loop.indx }}{% endfor %}", "unknown field 'loop.indx'", "did you mean index?"),
        ("{% for i in items %}{{ loop.cycle }}{% endfor %}", "unknown field 'loop.cycle'", "loop has first, index, last"),
        ("{% for i in items %}{{ i.__class__ }}{% endfor %}", "unknown field 'i.__class__'", ""),
    ],
)  # fmt: skip
def test_unknown_names_get_the_nearest_known_one(source: str, message: str, hint: str) -> None:
    error = refused(source)
    assert str(error) == message
    assert error.hint.startswith(hint)
    assert error.hint


def test_an_unknown_filter_without_a_neighbour_gets_the_whole_list() -> None:
    assert refused("{{ zone | markdown }}").hint.startswith("the filters are default, d, date, ")


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("{% for i in 5 %}{% endfor %}", "a loop runs over items, not over a number", LOOP),
        ("{% for i in 'abc' %}{% endfor %}", "a loop runs over items, not over a text", LOOP),
        ("{% for i in range(9) %}{% endfor %}", "a loop runs over items, not over range(…)", LOOP),
        ("{% for i in zone %}{% endfor %}", "a loop runs over items, not over 'zone'", LOOP),
        ("{% for i in [1, 2] %}{% endfor %}", "a loop runs over items, not over an expression", LOOP),
        ("{% for a, b in items %}{% endfor %}", "a loop with several variables is not allowed in a template", LOOP),
        ("{% for i in items recursive %}{% endfor %}", "a recursive loop is not allowed in a template", ALLOWED),
        ("{% for zone in items %}{% endfor %}", "the loop variable 'zone' is not allowed in a template", f"choose another name: {LOOP}"),
        ("{% for loop in items %}{% endfor %}", "the loop variable 'loop' is not allowed in a template", f"choose another name: {LOOP}"),
        ("{% for _x in items %}{% endfor %}", "the loop variable '_x' is not allowed in a template", f"choose another name: {LOOP}"),
        ("{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}", "a loop within a loop is not allowed in a template", "close the first with {% endfor %}"),
        ("{% for i in items %}{{ i }}{% endfor %}", "'i' is no text", "print a field: i.sku"),
        ("{% for i in items %}{{ loop }}{% endfor %}", "'loop' is no text", "print a field: loop.first"),
        ("{% for i in items %}{% endfor %}{{ i.sku }}", "'.sku' is not allowed in a template", ONLY_LOOPS),
        ("{{ items }}", "'items' is a list, not a text", f"loop over it: {LOOP}"),
        ("{{ items | first }}", "'first' of a list is not allowed in a template", LOOP),
        ("{{ items | join }}", "join of items needs a field", "write join(', ', attribute='sku')"),
        ("{{ items | join(', ', attribute='skuu') }}", "unknown field 'items.skuu'", "did you mean sku?"),
        ("{{ zone | join(attribute='sku') }}", "'attribute' for a text is not allowed in a template", ALLOWED),
    ],
)  # fmt: skip
def test_loops_run_over_the_lists_of_a_job_only(source: str, message: str, hint: str) -> None:
    error = refused(source)
    assert (str(error), error.hint) == (message, hint)


def test_a_text_without_lists_says_so() -> None:
    with pytest.raises(TemplateError, match="a loop runs over nothing here, not over 'items'") as e:
        compile_template("{% for i in items %}{% endfor %}", fields=["zone"])
    assert e.value.hint == "this text has no lists"


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ("set", "{% set x = 1 %}"),
        ("set", "{% set x %}a{% endset %}"),
        ("macro", "{% macro x() %}{% endmacro %}"),
        ("call", "{% call x() %}{% endcall %}"),
        ("filter", "{% filter upper %}{% endfilter %}"),
        ("include", "{% include 'a' %}"),
        ("import", "{% import 'a' as b %}"),
        ("from", "{% from 'a' import b %}"),
        ("extends", "{% extends 'a' %}"),
        ("block", "{% block a %}{% endblock %}"),
        ("with", "{% with %}{% endwith %}"),
        ("autoescape", "{% autoescape true %}{% endautoescape %}"),
        ("do", "{% do zone %}"),
        ("python", "{% python %}"),
    ],
)
def test_only_if_and_for_are_tags(tag: str, source: str) -> None:
    error = refused(f"first line\n{source}")
    assert str(error) == f"{{% {tag} %}} is not allowed in a template"
    assert (error.line, error.name) == (2, tag)


@pytest.mark.parametrize(
    ("source", "message", "hint", "line"),
    [
        ("a\n{{ zone", "'{{' is not closed", "close it with }}", 2),
        ("{{ zone }", "'{{' is not closed", "close it with }}", 1),
        ("{{ zone } and {{ city }}", "'{{' is not closed", "close it with }}", 1),
        ("{% if zone }}a{% endif %}", "'{%' is not closed", "close it with %}", 1),
        ("a {# b", "'{#' is not closed", "close it with #}", 1),
        ("a\nb }} c", "'}}' closes nothing", "write {{ before it, or leave it out", 2),
        ("{ zone }} {% if zone %}x{% endif %}", "'}}' closes nothing", "write {{ before it, or leave it out", 1),
        ("a %}", "'%}' closes nothing", "write {% before it, or leave it out", 1),
        ("a\n{% if zone %}b", "{% if %} is not closed", "close it with {% endif %}", 2),
        ("{% for i in items %}b", "{% for %} is not closed", "close it with {% endfor %}", 1),
        ("{% if zone %}{% endfor %}", "{% endfor %} belongs to nothing", "{% endif %} comes first", 1),
        ("a{% endif %}", "{% endif %} belongs to nothing", "leave it out", 1),
        ("a{% else %}", "{% else %} belongs to nothing", "leave it out", 1),
        ("{% elseif zone %}", "{% elseif %} is not allowed in a template", "did you mean elif?", 1),
        ("{% raw %}{{ zone }}{% endraw %}", "'{{' is not closed", "close it with }}", 1),
        ("{% if zone %}a{% else %}b{% endif %}\n{{ zone city }}", "the template cannot be read: expected token 'end of print statement', got 'city'", ALLOWED, 2),
        ("{{ }}", "the template cannot be read: Expected an expression, got 'end of print statement'", ALLOWED, 1),
    ],
)  # fmt: skip
def test_tags_that_do_not_fit_together(source: str, message: str, hint: str, line: int) -> None:
    error = refused(source)
    assert (str(error), error.hint, error.line) == (message, hint, line)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 2000 + "zone" + ")" * 2000 + " }}",
        "{{ " + "not " * 2000 + "zone }}",
        "{{ zone" + " | upper" * 500 + " }}",
        "{{ zone" + " or zone" * 500 + " }}",
        "{{ zone" + " == zone" * 500 + " }}",
        "{% if zone %}" * 400 + "{% endif %}" * 400,
        "{% if zone %}" * 10 + "x" + "{% endif %}" * 10,
        "{{ " + "[" * 2000 + " }}",
        "{{ zone in [" + "[" * 40 + "]" * 40 + "] }}",
        "{{ " + "'a' if zone else " * 300 + "'b' }}",
    ],
)
def test_deep_nesting_is_refused_in_words(source: str) -> None:
    error = refused(source)
    assert str(error) in (
        "the template is nested too deeply",
        "a list is not allowed in a template",
    )
    assert error.hint


def test_too_many_branches_are_refused() -> None:
    source = "{% if zone %}" + "{% elif zone %}" * 41 + "{% endif %}"
    assert str(refused(source)) == "more than 40 branches of one if is not allowed in a template"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ zone | default }}", "the filter 'default' needs default(default_value, boolean?)"),
        ("{{ zone | truncate }}", "the filter 'truncate' needs truncate(length, killwords?, end?)"),
        ("{{ zone | replace('a') }}", "the filter 'replace' needs replace(old, new)"),
        ("{{ zone | upper(1) }}", "the filter 'upper' takes nothing in brackets"),
        ("{{ zone | trim(chars='x') }}", "the filter 'trim' takes nothing in brackets"),
        ("{{ zone | round(1, precision=2) }}", "the filter 'round' takes round(precision?)"),
        ("{{ zone | round(*items) }}", "the filter 'round' takes no * or **"),
        ("{{ zone | round('2') }}", "'precision' of the filter 'round' is a whole number"),
        ("{{ zone | round(true) }}", "'precision' of the filter 'round' is a whole number"),
        ("{{ zone | round(7) }}", "'precision' of the filter 'round' is between 0 and 6"),
        ("{{ zone | truncate(0) }}", "'length' of the filter 'truncate' is between 1 and 1600"),
        ("{{ zone | truncate(boxes) }}", "'length' of the filter 'truncate' is a whole number"),
        ("{{ zone | default('a', 1) }}", "'boolean' of the filter 'default' is true or false"),
        ("{{ zone | replace(city, 'a') }}", "'old' of the filter 'replace' is a text in quotes"),
        ("{{ date | date(zone) }}", "'pattern' of the filter 'date' is a text in quotes"),
        ("{{ date | date('YYYY') }}", "the date filter knows no pattern letter 'Y': write y for the year"),
        ("{{ date | date('d mmm') }}", "the date filter knows no pattern letter 'm': write M for the month"),
        ("{{ date | date('d h') }}", "the date filter knows no pattern letter 'h': write the time filter"),
        ("{{ date | time('H:MM') }}", "the time filter knows no pattern letter 'M': write m for minutes"),
        ("{{ date | date('%d') }}{{ date | date('o') }}", "the date filter knows no pattern letter 'o'"),
        ("{{ date | date('MMMMMM') }}", "the pattern letter 'M' stands at most 5 times"),
        ("{{ date | date(\"d 'of MMM\") }}", "the pattern \"d 'of MMM\" has a quote that is not closed"),
        ("{{ date | date(' ') }}", "the pattern is empty"),
        ("{{ date | date('--') }}", "the pattern '--' has no letter that stands for anything"),
    ],
)  # fmt: skip
def test_filters_say_what_they_take(source: str, message: str) -> None:
    error = refused(source)
    assert str(error) == message
    assert error.hint


def test_a_field_that_is_a_word_of_the_language_cannot_be_printed() -> None:
    for word in ("loop", "self", "not"):
        with pytest.raises(TemplateError):
            compile_template(f"{{{{ {word} }}}}", fields=[word])


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "{{ contact.Tier }}",
            "'contact.Tier' is no name of a field",
            "names after contact. are lower-case letters, digits and _",
        ),
        ("{{ replies.asked }}", "unknown field 'replies.asked'", "did you mean ask?"),
        ("{{ replies.xyz }}", "unknown field 'replies.xyz'", "replies has ask, offer"),
        ("{{ steps.xyz }}", "unknown field 'steps.xyz'", "steps has nothing here"),
        ("{{ contact }}", "'contact' is no text", "print a field: contact.name"),
        ("{{ replies }}", "'replies' is no text", "print a field: replies.ask"),
        ("{{ steps }}", "'steps' is no text", "steps has nothing here"),
        ("{{ contacts.tier }}", "'.tier' is not allowed in a template", "did you mean contact?"),
        (
            "{% for contact in items %}{% endfor %}",
            "the loop variable 'contact' is not allowed in a template",
            "choose another name: {% for one in items %}{{ one.sku }}{% endfor %}",
        ),
    ],
)
def test_names_with_a_dot_are_checked(source: str, message: str, hint: str) -> None:
    spaces = {"contact": None, "replies": {"ask", "offer"}, "steps": ()}
    with pytest.raises(TemplateError) as caught:
        compile_template(source, fields=["zone"], lists={"items": ["sku"]}, namespaces=spaces)
    assert caught.value.message == message
    assert caught.value.hint == hint
