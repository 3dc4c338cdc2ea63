"""Markdown of mails: what people write counts, what jobs bring never does."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.text.address import read_email
from smsnotify.text.markdown import escape_markdown, html_of, link_to, plain_text
from smsnotify.text.template import compile_template


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_what_is_written_counts() -> None:
    markup = "# Done\n\nHi **Mei**,\nsee [the proof](https://x.test/p).\n\n- one\n- two"
    assert Page(html_of(markup)).tags == ["h1", "p", "strong", "br", "a", "ul", "li", "li"]
    assert plain_text(markup) == (
        "# Done\n\nHi **Mei**,\nsee the proof: https://x.test/p.\n\n- one\n- two"
    )


@pytest.mark.parametrize(
    "written",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "[x](/relative)",
        "<script>alert(1)</script>",
        "![x](https://x.test/p.png)",
        "`code` and\n\n    more",
    ],
)
def test_no_scripts_pictures_or_code(written: str) -> None:
    assert set(Page(html_of(written)).tags) <= {"p", "br", "a"}
    assert ("href" in html_of(written)) == written.startswith("!")  # a link to the picture


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_a_value_is_words_in_both_parts(value: str) -> None:
    markup = f"Hi {escape_markdown(value)}."
    assert Page(html_of(markup)).tags in (["p"], ["p", "br"])
    whole = "".join(f"Hi {value}.".split())
    assert "".join(plain_text(markup).split()) == whole
    assert "".join(Page(html_of(markup)).words.split()) == whole


@given(st.text("[]()<>*_#-`\\!&;:/. \nabh1", max_size=40))
def test_no_value_makes_markup_anywhere(value: str) -> None:
    escaped = escape_markdown(value)
    for around in (f"a {escaped} b", f"{escaped}", f"[see](https://x.test/{escaped})"):
        page = Page(html_of(around))
        assert set(page.tags) <= {"p", "br", "a"}
        assert page.tags.count("a") <= around.startswith("[see]")


def test_a_template_escapes_what_it_prints_and_not_its_own_words() -> None:
    made = compile_template(
        "**{{ name }}** {% if name %}[{{ name }}](https://x.test){% endif %}"
        " {{ lost | default('_') }}",
        fields={"name", "lost"},
        escape=escape_markdown,
    )

    class Job:
        name = "A*B](evil)"
        lost = None

    text = made.render(Job())
    assert text == r"**A\*B\]\(evil\)** [A\*B\]\(evil\)](https://x.test) \_"
    assert Page(html_of(text)).tags == ["p", "strong", "a"]


def test_a_link_shows_where_it_leads() -> None:
    address = "https://trk.la/a_b?x=1&y=(2)"
    assert plain_text(link_to(address)) == address
    assert Page(html_of(link_to(address))).words.strip() == address
    assert plain_text("<https://x.test/a>") == "https://x.test/a"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" Mei.Tan@Example.COM ", "mei.tan@example.com"),
        ("a+b@münchen.example", "a+b@münchen.example"),
        ("mei", ""),
        ("mei@localhost", ""),
        ("a@b@c.test", ""),
        ("mei..tan@x.test", ""),
        ("x" * 65 + "@x.test", ""),
        ("mei@x.test\nBcc: all@x.test", ""),
        ('"mei tan"@x.test', ""),
        ("mei@-x.test", ""),
        ("mei@" + "x" * 64 + ".test", ""),
    ],
)
def test_email_addresses(written: str, read: str) -> None:
    assert read_email(written) == read
