from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.rules.yaml_nodes import MapNode, TextNode, find, find_word, locate, plain
from smsnotify.rules.yaml_positions import (
    MAX_ALIASED,
    MAX_BYTES,
    YamlError,
    decode_text,
    read_yaml,
)


def refusal(text: str) -> YamlError | None:
    try:
        read_yaml(text)
    except YamlError as error:
        return error
    return None


def data(text: str) -> object:
    root = read_yaml(text).root
    assert root is not None
    return plain(root)


@pytest.mark.parametrize(
    "written", ["NO", "18:30", "+6591230000", "0123", "1e3", "0x1F", "true", "2026-03-02", "1_000"]
)
def test_a_plain_scalar_stays_what_was_written(written: str) -> None:
    assert data(f"a: {written}") == {"a": written}


@pytest.mark.parametrize("written", ["null", "~", ""])
def test_nothing_is_none_unless_it_is_quoted(written: str) -> None:
    assert data(f"a: {written}\nb: '{written}'") == {"a": None, "b": written}


def test_places_count_from_one() -> None:
    root = read_yaml("# comment\nrules:\n  - name: x\n    to: {fields: [a, b]}\n").root
    assert root is not None
    assert locate(root, ("rules", 0, "to", "fields", 1)) == (4, 22)
    assert locate(root, ("rules", 0, "to"), key=True) == (4, 5)


def test_a_path_that_is_not_there_has_the_place_of_what_is_above() -> None:
    root = read_yaml("a: {b: c}").root
    assert root is not None
    assert locate(root, ("a", "x", 3)) == (1, 4)
    assert find(root, ("a", "x")) is None
    assert find(root, ("a", 0)) is None


def test_an_alias_is_what_it_stands_for() -> None:
    assert data("a: &x {k: 1}\nb: *x") == {"a": {"k": "1"}, "b": {"k": "1"}}


def test_merged_keys_give_way_to_own_ones() -> None:
    text = "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\nc: {k: 4, <<: [*x]}"
    assert data(text) == {
        "a": {"k": "1", "l": "2"},
        "b": {"k": "3", "l": "2"},
        "c": {"k": "4", "l": "2"},
    }


def test_a_merge_is_no_doubled_key_but_an_own_key_twice_is() -> None:
    document = read_yaml("a: &x {k: 1}\nb: {<<: *x, k: 2, k: 3}")
    assert [problem.message for problem in document.problems] == [
        "the key 'k' is here twice; it stands on line 2 already"
    ]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(YamlError) as caught:
        read_yaml("\n".join(lines))
    assert caught.value.code == "alias_bomb"


def test_many_honest_aliases_are_fine() -> None:
    text = "a: &x [1, 2, 3]\nb:\n" + "  - *x\n" * (MAX_ALIASED // 10)
    assert len(data(text)["b"]) == MAX_ALIASED // 10  # type: ignore[index]


def test_deep_nesting_is_refused_and_does_not_crash() -> None:
    with pytest.raises(YamlError) as caught:
        read_yaml("[" * 200_000)
    assert caught.value.code == "too_deep"


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    text = decode_text(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - c: d\r\n")
    root = read_yaml(text).root
    assert root is not None
    assert plain(root) == {"a": "1", "b": [{"c": "d"}]}
    assert locate(root, ("b", 0, "c")) == (3, 8)


def test_a_byte_that_is_not_utf8_has_a_place() -> None:
    with pytest.raises(YamlError) as caught:
        decode_text("a: ä\nb: é ".encode() + b"\xff")
    assert (caught.value.line, caught.value.column) == (2, 6)


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(YamlError) as caught:
        decode_text(b"#" * (MAX_BYTES + 1))
    assert caught.value.code == "too_large"


def test_a_word_is_found_in_each_style_of_text() -> None:
    for style, place in (
        ("body: see {{ foo }}", (1, 14)),
        ('body: "see {{ foo }}"', (1, 15)),
        ("body: |\n  one\n  see {{ foo }}", (3, 10)),
        ("body: >-\n  one\n  see {{ foo }}", (3, 10)),
    ):
        root = read_yaml(style).root
        assert isinstance(root, MapNode)
        node = root.values["body"]
        assert isinstance(node, TextNode)
        assert find_word(style, node, "foo", 2 if "|" in style else 1) == place


def test_a_word_that_is_not_there_gives_the_line_of_a_block() -> None:
    text = "body: |\n  one\n   two"
    root = read_yaml(text).root
    assert isinstance(root, MapNode)
    node = root.values["body"]
    assert isinstance(node, TextNode)
    assert find_word(text, node, "nowhere", 2) == (3, 4)
    assert find_word(text, node, "nowhere", 9) == (1, 7)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#% \n\t?,<~\\\x00é😀", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    error = refusal(text)
    assert error is None or (error.line >= 1 and error.column >= 1 and error.message)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused_with_a_place(raw: bytes) -> None:
    refused: YamlError | None
    try:
        text = decode_text(raw)
    except YamlError as error:
        refused = error
    else:
        refused = refusal(text)
    assert refused is None or refused.line >= 1


def test_a_cut_file_never_crashes() -> None:
    text = 'rules:\n  - name: a\n    where: {x: [1, "2"], y: &b |\n      z}\n    to: *b\n'
    refused = [refusal(text[:cut]) for cut in range(len(text))]
    assert all(error is None or error.line >= 1 for error in refused)
    assert any(refused)
