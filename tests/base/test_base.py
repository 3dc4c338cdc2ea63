"""The smallest parts: durations, ids, masks, secrets, the error tree."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.base import errors, ids
from smsnotify.base.clock import fixed_clock, system_clock
from smsnotify.base.durations import format_duration, parse_duration
from smsnotify.base.errors import ConfigError, SmsNotifyError
from smsnotify.base.ids import new_id
from smsnotify.base.redact import mask_number, scrub
from smsnotify.base.secrets import Secret


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("1d12h", timedelta(hours=36)),
        ("1.5 h", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "24", "soon", "-3h", "3 hours ago", "99999999999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(0, 10**7))
def test_a_written_duration_reads_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=5, unique=True))
def test_ids_ascend_with_time(milliseconds: list[int]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = [new_id(start + timedelta(milliseconds=m % 10**11)) for m in sorted(milliseconds)]
    moments = [m % 10**11 for m in sorted(milliseconds)]
    if len(set(moments)) == len(moments) and moments == sorted(moments):
        assert made == sorted(made)
    assert all(len(one) == 26 for one in made)


def test_ids_of_one_millisecond_ascend_in_the_order_in_which_they_were_made() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = [new_id(now + timedelta(microseconds=n % 2)) for n in range(50_000)]
    assert made == sorted(set(made))
    assert all(len(one) == 26 for one in made)
    assert len({one[:13] for one in made}) == len(made), "people copy only how an id begins"


def test_what_two_processes_make_in_one_millisecond_differs() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    first = [new_id(now) for _ in range(100)]
    ids._series.cache_clear()  # as another process, or a forked one, begins
    assert not {one[13:] for one in first} & {new_id(now)[13:] for _ in range(100)}


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+6591230000", "+65••••••00"),
        ("+14155550100", "+1••••••••00"),
        ("+35312345678", "+353••••••78"),
        ("91230000", "••••••00"),
        ("+12", "••"),
    ],
)
def test_a_masked_number_keeps_country_code_and_two_digits(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@given(st.integers(10**7, 10**14))
def test_no_full_number_survives_scrubbing(digits: int) -> None:
    told = scrub(f"Invalid 'To' number: +{digits}, sorry")
    assert str(digits) not in told
    assert "sorry" in told


def test_a_password_without_a_user_is_scrubbed() -> None:
    assert "pw" not in scrub("redis://:pw@cache.example.com")


def test_credentials_and_addresses_are_scrubbed() -> None:
    told = scrub("Authorization: Bearer abc123 for mei@example.test at postgresql://me:pw@db/x")
    assert "abc123" not in told
    assert "mei@" not in told
    assert "pw" not in told


def test_a_secret_comes_from_the_environment_a_file_or_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "from-env")
    (tmp_path / "key").write_text("from-file\n", encoding="utf-8")
    assert Secret.parse({"env": "A_KEY"}).reveal() == "from-env"
    assert Secret.parse({"file": "key"}, tmp_path).reveal() == "from-file"
    assert Secret.parse("plain").reveal() == "plain"
    assert "plain" not in repr(Secret.parse("plain"))
    assert "plain" not in f"{Secret.parse('plain')}"


@pytest.mark.parametrize(
    "written", ["", 5, None, {}, {"env": ""}, {"vault": "x"}, {"env": "A", "file": "b"}]
)
def test_what_is_no_secret_is_refused(written: object) -> None:
    with pytest.raises(ConfigError):
        Secret.parse(written)


def test_a_secret_that_is_not_there_says_where_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for written, told in (
        ({"env": "NOT_SET"}, "NOT_SET is not set"),
        ({"file": "nowhere"}, "nowhere"),
        ({"file": "empty"}, "is empty"),
        ({"file": "binary"}, "is not text"),
    ):
        with pytest.raises(ConfigError, match=told):
            Secret.parse(written, tmp_path).reveal()


def test_clocks_are_aware() -> None:
    assert system_clock().utcoffset() == timedelta(0)
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert fixed_clock(at)() == at
    with pytest.raises(ValueError, match="aware"):
        fixed_clock(datetime(2026, 3, 2))


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn = {
        line.strip("│├└─ ")
        for line in errors.__doc__.splitlines()
        if "Error" in line and " " not in line.strip("│├└─ ")
    }
    classes = {
        name
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, SmsNotifyError)
    }
    assert drawn == classes


def test_every_error_has_a_code_of_its_own_an_exit_code_and_a_docstring() -> None:
    classes = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, SmsNotifyError)
    ]
    assert len({one.code for one in classes}) == len(classes)
    assert all(one.exit_code in (1, 2, 3) and one.__doc__ for one in classes)
