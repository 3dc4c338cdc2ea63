"""Whatever strangers write about people is refused with a word, never with a traceback."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import EventError, InputError, UsageError
from smsnotify.cli.contact_file import Reading, read_people
from smsnotify.events.interactions import read_interaction
from smsnotify.store.open import open_store

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
KEYS = ["event", "contact", "channel", "value", "data", "time", "id"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["+6591230000", "a@b.cd", "page_view", "2026-03-02T04:00:00Z", "\0", "\ud800"]
    )
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)
told = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), values)


@given(told | values)
def test_an_interaction_is_read_or_refused(value: object) -> None:
    with suppress(EventError):
        one = read_interaction(json.dumps(value).encode("utf-8", "replace"), "SG")
        assert one.event
        assert one.address
        assert one.address.isprintable()


@given(st.binary(max_size=80))
def test_bytes_are_read_or_refused(line: bytes) -> None:
    with suppress(EventError):
        read_interaction(line, "SG")


people = st.dictionaries(
    st.sampled_from(
        ["addresses", "phone_number", "email", "name", "tags", "facets", "consents", "opted_out"]
    )
    | st.sampled_from(["marketing", "marketing_at", "marketing_note", "time_zone", "language"])
    | st.text(max_size=8),
    values | st.lists(st.sampled_from(["+6591230000", "a@b.cd"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(people, max_size=3))
def test_a_file_of_people_is_read_or_refused_and_what_is_read_is_kept(
    rows: list[dict[str, Any]],
) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        file = Path(name) / "people.json"
        file.write_bytes(json.dumps(rows).encode())
        try:
            found = read_people(str(file), Reading("SG", {"tier": "number"}, NOW))
        except (InputError, UsageError):
            return
        with open_store(f"sqlite:///{Path(name) / 'desk.db'}") as store:
            store.keep_people(found.rows, NOW)
            for one in store.everybody():
                assert one.contact.addresses


@given(st.text(max_size=200), st.booleans() | st.none())
def test_a_table_of_people_is_read_or_refused(text: str, opted_out: bool | None) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        file = Path(name) / "people.csv"
        file.write_bytes(text.encode("utf-8", "replace"))
        with suppress(InputError, UsageError):
            read_people(str(file), Reading("SG", {}, NOW, opted_out))
