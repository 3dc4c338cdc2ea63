"""Settings and rules, read again while the desk serves."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from web_desk import RULES, SETTINGS, write_desk

from smsnotify.web.reload import Reloader
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

TWO_RULES = RULES + RULES.partition("rules:\n")[2].replace("name: delivered", "name: second")


@pytest.fixture
def reloader(serving: Serving, sources: Sources) -> Reloader:
    return Reloader(serving, sources)


def reload(reloader: Reloader) -> bool:
    return asyncio.run(reloader.reload())


def rule_names(serving: Serving) -> list[str]:
    return [rule.id for rule in serving.loaded.rules.rules]


def outcomes(serving: Serving) -> tuple[float, float]:
    counter = serving.metrics.reloads
    return counter.value("ok"), counter.value("error")


def test_new_rules_are_swapped_in_whole(
    reloader: Reloader, serving: Serving, tmp_path: Path
) -> None:
    before = serving.loaded
    (tmp_path / "rules.yaml").write_text(TWO_RULES, encoding="utf-8")
    assert reload(reloader)
    assert rule_names(serving) == ["delivered", "second"]
    assert serving.loaded is not before
    assert serving.loaded.settings.public_url == before.settings.public_url
    assert not serving.swapped.is_set()  # delivery need not begin anew for rules
    assert outcomes(serving) == (1, 0)


@pytest.mark.parametrize(
    "broken",
    ["rules:", "version: 1\nrules:\n  - name: x\n    events: [eaten]\n", ""],
)
def test_broken_rules_leave_the_old_ones_and_are_told(
    reloader: Reloader,
    serving: Serving,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    before = serving.loaded
    write_desk(tmp_path, rules=broken)
    with caplog.at_level(logging.ERROR):
        assert not reload(reloader)
    assert serving.loaded is before
    assert outcomes(serving) == (0, 1)
    assert "rules.yaml" in caplog.text


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('country = "SG"', 'country = "Atlantis"', "Atlantis"),
        ('mode = "test"', "mode = ", "TOML"),
        ("[accounts.open]", "[accounts.detrack]", "reserved"),
        ('webhook_token = "tok', 'webhook_token = { env = "NO_SUCH_VARIABLE" }\n# "', "NO_SUCH"),
    ],
)
def test_broken_settings_leave_the_old_ones(
    reloader: Reloader,
    serving: Serving,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    was: str,
    becomes: str,
    told: str,
) -> None:
    before = serving.loaded
    write_desk(tmp_path, SETTINGS.replace(was, becomes), rules=TWO_RULES)
    assert not reload(reloader)
    assert serving.loaded is before
    assert told in caplog.text or told == "reserved"
    assert outcomes(serving) == (0, 1)


def test_settings_that_are_gone_for_a_moment_do_not_make_a_sandbox(
    reloader: Reloader, serving: Serving, tmp_path: Path
) -> None:
    (tmp_path / "sms-notify.toml").unlink()
    assert not reload(reloader)
    assert serving.loaded.settings.mode.value == "test"


def test_another_database_needs_another_process(
    reloader: Reloader, serving: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free = Sources(config=tmp_path / "sms-notify.toml")
    serving.swap(load(read_settings(free), free), settings_too=False)
    other = Reloader(serving, free)
    write_desk(tmp_path, SETTINGS.replace("desk.db", "other.db"))
    assert not reload(other)
    assert "database" in caplog.text


def test_new_settings_let_delivery_begin_anew(
    reloader: Reloader, serving: Serving, tmp_path: Path
) -> None:
    write_desk(tmp_path, SETTINGS.replace("notify.example", "desk.example"))
    assert reload(reloader)
    assert serving.swapped.is_set()
    assert serving.loaded.settings.public_url == "https://desk.example.test"


def test_a_new_secret_in_its_file_counts_as_new_settings(
    serving: Serving, sources: Sources, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("one", encoding="utf-8")
    written = SETTINGS.replace('"test_auth_token_0123456789"', '{ file = "token" }')
    write_desk(tmp_path, written)
    serving.swap(load(read_settings(sources), sources), settings_too=False)
    reloader = Reloader(serving, sources)
    secret.write_text("another", encoding="utf-8")
    assert reload(reloader)
    assert serving.swapped.is_set()


def _watching(reloader: Reloader, act: Callable[[], Awaitable[None]]) -> None:
    async def both() -> None:
        watch = asyncio.create_task(reloader.watch(look_s=0.01))
        await act()
        watch.cancel()
        await asyncio.wait({watch})

    asyncio.run(both())


async def _until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.01)


def test_changed_files_are_noticed_once_each(
    reloader: Reloader, serving: Serving, tmp_path: Path
) -> None:
    async def act() -> None:
        write_desk(tmp_path, rules="nonsense")
        await _until(lambda: outcomes(serving) == (0, 1))
        await asyncio.sleep(0.1)  # a broken file is not tried again until it changes
        assert outcomes(serving) == (0, 1)
        write_desk(tmp_path, rules=TWO_RULES)
        await _until(lambda: outcomes(serving) == (1, 1))

    _watching(reloader, act)
    assert rule_names(serving) == ["delivered", "second"]


def test_a_file_that_is_still_being_written_is_left_alone(
    reloader: Reloader, serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = reloader._look

    def restless() -> Any:
        nonlocal looks
        looks += 1
        os.utime(tmp_path / "rules.yaml", (looks, looks))
        return look()

    monkeypatch.setattr(reloader, "_look", restless)

    async def act() -> None:
        await _until(lambda: looks > 10)

    _watching(reloader, act)
    assert outcomes(serving) == (0, 0)


def test_a_rule_file_that_broken_settings_name_is_watched_too(
    reloader: Reloader, serving: Serving, tmp_path: Path
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()

    async def act() -> None:
        write_desk(tmp_path, 'rules = ["rules"]\n' + SETTINGS)
        await _until(lambda: outcomes(serving) == (0, 1))
        (folder / "a.yaml").write_text(TWO_RULES, encoding="utf-8")
        await _until(lambda: outcomes(serving) == (1, 1))

    _watching(reloader, act)
    assert rule_names(serving) == ["delivered", "second"]


def test_an_intake_decides_by_the_rules_that_count_now(serving: Serving, tmp_path: Path) -> None:
    old = serving.intake("auto")
    assert serving.intake("auto") is old
    sources = Sources(
        config=tmp_path / "sms-notify.toml", database=serving.loaded.settings.database
    )
    serving.swap(load(read_settings(sources), sources), settings_too=False)
    assert serving.intake("auto") is not old
    assert serving.intake("auto").rules is serving.loaded.rules
