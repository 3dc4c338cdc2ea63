"""Places of keys in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.wiring.positions import positions

SAMPLE = '''\
# a comment = "not a key"
mode = "live"
"quoted key" = 1
a.b = [ # why
  "x", "]",
  { c = 'it''s' },
]

[accounts.main]
text = """
no = "key"
\\"""
"""
raw = \'\'\'
[none]
\'\'\'
senders = { US = "+1", "8x8" = { SG = 0.04 } }

[[list]]
one = 1
[[list]]
one = 2
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("mode",), 2, 1),
        (("quoted key",), 3, 1),
        (("a", "b"), 4, 1),
        (("a", "b", 1), 5, 8),
        (("a", "b", 2, "c"), 6, 5),
        (("accounts", "main"), 9, 1),
        (("accounts", "main", "text"), 10, 1),
        (("accounts", "main", "raw"), 14, 1),
        (("accounts", "main", "senders", "US"), 17, 13),
        (("accounts", "main", "senders", "8x8", "SG"), 17, 34),
        (("list", 0, "one"), 20, 1),
        (("list", 1, "one"), 22, 1),
    ],
)
def test_every_key_stands_where_it_was_written(
    path: tuple[str | int, ...], line: int, column: int
) -> None:
    assert positions(SAMPLE)[path] == (line, column)


def test_what_looks_like_a_key_inside_a_string_or_comment_is_none() -> None:
    keys = {part for path in positions(SAMPLE) for part in path}
    assert not keys & {"no", "none", "a comment"}


def test_windows_line_ends_and_a_mark_at_the_start_do_not_move_lines() -> None:
    assert positions("\ufeffa = 1\r\nb = 2\r\n")[("b",)] == (2, 1)


KEYS = st.text(st.sampled_from("ab-_.\"' é"), min_size=1, max_size=4)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 9), st.text(st.sampled_from("ab\"'\\\n#]},="))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return {(*path, key) for key, _ in items} | {
        deep for key, item in items for deep in _paths(item, (*path, key))
    }


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_exactly_the_keys_of_any_file_are_found(table: dict[str, Any]) -> None:
    text = tomli_w.dumps(table)
    assert set(positions(text)) == _paths(tomllib.loads(text))
