"""Rule files that are broken, foreign or hostile: refused when loaded, each with its place."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from place import RULES, Place, event

BODY = "Hi {{ deliver_to_collect_from | default('there') }}, {{ do_number }} has arrived."
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [*{before},*{before},*{before},*{before},*{before},*{before},*{before}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=False)
)


def _with_body(body: str) -> str:
    return RULES.replace(BODY, body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# nothing\n",
        "---\n---\n",
        "42",
        "[]",
        "rules: [",
        "rules: {",
        "version: 2\nrules: []\n",
        BOMB,
        BOMB + "rules: *l\n",
        "rules: &r [*r]\nversion: 1\n",
        "version: 1\nrules: !!python/object/apply:os.system ['touch hacked']\n",
        "version: 1\n<<: {rules: []}\n",
        "version: 1\nversion: 1\nrules: []\n",
        "version: 1\nrules:\n\t- name: x\n",
        "[" * 20_000,
        "{a: " * 20_000,
        "- " * 20_000,
        "version: 1\nrules: " + "[" * 3_000 + "]" * 3_000,
        "\x00",
        "version: 1\nrules: 'unfinished\n",
        "%YAML 9.9\n---\nversion: 1\n",
        _with_body("{{ ''.__class__.__mro__ }}"),
        _with_body("{{ do_number.__class__ }}"),
        _with_body("{{ do_number['__class__'] }}"),
        _with_body("{{ do_number | attr('__class__') }}"),
        _with_body("{% for n in range(1000000000) %}x{% endfor %}"),
        _with_body("{% for n in 10 %}x{% endfor %}"),
        _with_body("{% for c in do_number %}x{% endfor %}"),
        _with_body("{{ 9 ** 9 ** 9 }}"),
        _with_body("{{ 'x' * 1000000000 }}"),
        _with_body("{{ do_numbr }}"),
        _with_body("{{ do_number"),
        _with_body("{% if %}"),
        _with_body("{% include 'secret' %}"),
        _with_body("{% import 'os' as os %}"),
        _with_body("{{ cycler.__init__ }}"),
        _with_body("{{ do_number | nosuchfilter }}"),
        _with_body("{{ " + "(" * 500 + "1" + ")" * 500 + " }}"),
        RULES.replace("[completed]", "[exploded]"),
        RULES.replace("[phone_number]", "[phone]"),
        RULES.replace("to: {fields: [phone_number]}", "where: {do_number: {matches: '('}}", 1),
        RULES.replace("to: {fields: [phone_number]}", "to: {fixed: ['12']}", 1),
        RULES.replace("name: missed", "name: delivered"),
        RULES.replace("body:", "text:", 1),
        RULES.replace("body:", "boddy: x\n    body:", 1),
    ],
    ids=range(47),
)
def test_a_rule_file_that_cannot_be_used_is_refused_with_its_place(place: Place, text: str) -> None:
    place.rules(text)
    checked = place.run("rules", "validate")
    assert checked.code == 2
    assert "rules.yaml" in checked.out + checked.err
    done = place.run("process", place.events(event()))
    assert (done.code, done.out) == (2, "")
    assert not (place / "hacked").exists()


def test_no_command_works_with_rules_that_are_wrong(place: Place) -> None:
    place.rules(_with_body("{{ do_numbr }}"))
    for args in (("process", place.events(event())), ("preview",), ("tick",), ("prejob", "list")):
        done = place.run(*args)
        assert (done.code, done.out) == (2, ""), args
        assert "did you mean do_number?" in done.err
    assert place.outbox() == []


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00", b"rules: \xe9\n", b"\x80", RULES.encode("utf-16")]
)
def test_a_rule_file_that_is_no_text_is_refused(place: Place, raw: bytes) -> None:
    (place / "rules.yaml").write_bytes(raw)
    assert place.run("rules", "validate").code == 2
    assert place.run("preview").code == 2


def test_a_bom_and_windows_line_ends_are_fine(place: Place) -> None:
    text = "\ufeff" + RULES.replace("\n", "\r\n")
    (place / "rules.yaml").write_bytes(text.encode())
    assert place.run("rules", "validate").code == 0
    assert place.process(place.events(event())).summary["sent"] == 1


def test_a_rule_file_that_is_missing_is_said(place: Place) -> None:
    (place / "rules.yaml").unlink()
    done = place.run("process", place.events(event()))
    assert (done.code, done.out) == (2, "")
    assert "rules.yaml" in done.err


_cut = st.integers(0, len(RULES))
_pieces = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("{{", "}}", "{%", "%}", "\n", "  ", "\t", ":", "- ", "[", "]", "{", "}", "&a", "*a"),
            *("!!", "'", '"', "|", ">", "#", "where: {", "pre_job", "{fields: []}", "null", "~"),
            *("until", "0x7f", "1e400", "2026-13-99", "\ud800", "\x85", "\u2028", "\ufeff"),
        ]
    ),
)


@st.composite
def _mutants(draw: st.DrawFn) -> str:
    """The good file with pieces cut out, doubled, and others put in."""
    text = RULES
    for _ in range(draw(st.integers(1, 4))):
        begin, end = sorted((draw(_cut), draw(_cut)))
        kept = draw(st.sampled_from(["", text[begin:end], text[begin:end] * 2]))
        if end - begin > 40:
            begin = end - 3
        text = text[:begin] + draw(_pieces) + kept[:200] + text[end:]
    return text


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=100) | _mutants())
def test_whatever_a_rule_file_says_it_is_used_or_refused(place: Place, text: str) -> None:
    (place / "rules.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    code = place.run("rules", "validate", "--json").code
    assert code in (0, 2)
    previewed = place.run("preview").code
    assert previewed == 2 if code == 2 else previewed in (0, 1)
