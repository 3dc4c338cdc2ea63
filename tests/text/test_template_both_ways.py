"""Plain templates are rendered by functions of our own; Jinja2 must say the same."""

from types import SimpleNamespace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import MissingValueError
from smsnotify.text.template import compile_template
from smsnotify.text.template_fast import compile_plain, read_plain
from smsnotify.text.template_jinja import compile_jinja

FIELDS = frozenset({"zone", "do_number", "boxes", "class", "Case_2"})
SPACES = {"contact": None, "replies": frozenset({"ask", "2nd", "in"})}
DOTTED = ["contact.tier", "contact.class", "contact.if", "replies.ask", "replies.in"]

_words = st.text(st.sampled_from("ab {}%#'\"\\\n-é“")) | st.text(max_size=20)
_space = st.sampled_from(["", " ", "\n ", "\t"])
_fallback = st.text(max_size=8).filter(lambda text: not set(text) & set("'\\\n\r"))


@st.composite
def _tags(draw: st.DrawFn) -> str:
    name, space = draw(st.sampled_from([*sorted(FIELDS), *DOTTED])), draw(_space)
    standing_in = ""
    if draw(st.booleans()):
        word = draw(st.sampled_from(["default", "d"]))
        standing_in = f"|{space}{word}{space}({space}'{draw(_fallback)}'{space}){space}"
    return f"{{{{{space}{name}{space}{standing_in}}}}}"


_sources = st.lists(st.one_of(_tags(), _words), max_size=8).map("".join)
_values = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "\u00a0", "Mei Tan", "{{ zone }}", "{0}", "%s"]),
    st.text(max_size=10),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.booleans(),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers()), max_size=3),
)
_read = [*sorted(FIELDS), *(name.replace(".", "__") for name in DOTTED)]
_jobs = st.dictionaries(st.sampled_from(_read), _values).map(
    lambda fields: SimpleNamespace(**fields)
)


def _outcome(render: object, job: object) -> tuple[str, str]:
    assert callable(render)
    try:
        return "text", render(job)
    except MissingValueError as error:
        return "missing", error.field


@settings(max_examples=200, deadline=None)
@given(_sources, st.lists(_jobs, min_size=1, max_size=4))
def test_a_plain_template_renders_the_same_in_both_ways(
    source: str, jobs: list[SimpleNamespace]
) -> None:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    pieces = read_plain(source, FIELDS, SPACES)
    if pieces is None:
        return
    plain, through_jinja = compile_plain(pieces), compile_jinja(source, FIELDS, {}, SPACES)
    assert through_jinja.fields == {piece.field for piece in pieces if piece.field}
    slow = through_jinja.make()
    for job in jobs:
        assert _outcome(plain, job) == _outcome(slow, job)


def test_most_templates_are_plain_and_the_others_are_left_alone() -> None:
    for source in ("words", "", "{{zone}}", "a {{ zone | default('x') }} {{boxes}}.", "{ 100% }"):
        assert read_plain(source, FIELDS) is not None
    for source in ("{{ contact.tier }}", "{{replies.2nd|d('x')}}", "Hi {{ contact.a }}{{ zone }}"):
        assert read_plain(source, FIELDS, SPACES) is not None
    for source in ("{{ contact.Tier }}", "{{ replies.nope }}", "{{ zone.tier }}", "{{ contact }}"):
        assert read_plain(source, FIELDS, SPACES) is None
    for source in (
        "{{ zone | upper }}",
        "{{- zone }}",
        "{{{ zone }}",
        "{{ nobody }}",
        "a }}",
        "{#",
    ):
        assert read_plain(source, FIELDS) is None


def test_a_decoded_job_renders_as_any_object_does() -> None:
    job_type = msgspec.defstruct("Decoded", [("zone", object, None), ("class", object, None)])
    made = compile_template("{{ zone }} {{ class }}", fields=FIELDS)
    assert made.render(job_type(zone="East", **{"class": 2.0})) == "East 2"


_OPERANDS = st.sampled_from(
    [
        *("zone", "boxes", "do_number", "'a'", "2", "-1.5", "true", "zone | upper"),
        *("i.sku", "loop.last", "contact.tier", "replies.ask"),
    ]
)
_FILTERS = st.sampled_from(
    [
        "upper",
        "default('x')",
        "d(zone)",
        "truncate(4)",
        "round(1)",
        "int",
        "replace('a', 'bb')",
        "length",
        "first",
        "last",
        "join('-')",
        "date",
        "time('H:mm')",
        "title",
        "trim",
    ]
)
_EXPRESSIONS = st.recursive(
    _OPERANDS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "~", "in"]), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["==", "!=", "<", ">="]), inner),
        st.builds("({} not in [{}, {}])".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} is defined)".format, inner),
        st.builds("({} | {})".format, inner, _FILTERS),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)
_ITEMS = st.lists(st.dictionaries(st.just("sku"), _values), max_size=3)


@settings(max_examples=120, deadline=None)
@given(_EXPRESSIONS, _EXPRESSIONS, _jobs, _ITEMS)
def test_whatever_passes_the_check_renders_or_misses_a_value(
    condition: str, expression: str, job: SimpleNamespace, items: list[dict[str, object]]
) -> None:
    source = (
        f"{{% for i in items %}}{{% if {condition} %}}{{{{ {expression} }}}}"
        f"{{% elif {expression} %}}{{{{ i.sku }}}}{{% endif %}}{{% endfor %}}"
    )
    made = compile_template(source, fields=FIELDS, lists={"items": ["sku"]}, namespaces=SPACES)
    job.items = items
    kind, text = _outcome(made.render, job)
    assert isinstance(text, str)
    if kind == "missing":
        assert text in {*FIELDS, "items.sku", "text", "contact.tier", "replies.ask"}
