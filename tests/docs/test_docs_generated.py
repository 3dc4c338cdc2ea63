"""What is generated is current, and nothing that could be generated is left out."""

from __future__ import annotations

import generate
import pytest
from generators import settings
from generators.commands import commands, is_flag

from smsnotify.cli.app import COMMANDS
from smsnotify.cli.globals import global_params
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.registry import load_provider, provider_names
from smsnotify.wiring.models import Detrack, Prices, Settings, VolumeGuard


def test_every_generated_part_is_current() -> None:
    stale = [str(page.relative_to(generate.DOCS)) for page, _ in generate.outdated()]
    assert stale == [], "run: python docs/generate.py"


def test_every_part_that_can_be_made_stands_on_some_page() -> None:
    assert generate.used_parts() == set(generate.PARTS)


def test_an_unknown_part_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        generate.filled("<!-- generated: nonsense -->\n<!-- end -->")


def test_a_part_that_is_current_is_left_alone() -> None:
    page = "before\n\n<!-- generated: filters -->\n<!-- end -->\n\nafter\n"
    once = generate.filled(page)
    assert once != page
    assert generate.filled(once) == once


def test_every_command_and_option_is_on_the_page_of_commands(reference: dict[str, str]) -> None:
    page = reference["cli.md"]
    assert {called.words[0] for called in commands()} == set(COMMANDS)
    for called in commands():
        assert f"\n{'#' * (len(called.words) + 1)} {' '.join(called.words)}\n" in page
        for option in called.options:
            assert option.hidden or all(f"`{name}`" in page for name in option.opts)
    assert all(f"`{name}`" in page for option in global_params() for name in option.opts)


def test_a_flag_takes_nothing_and_an_option_takes_a_value() -> None:
    taken = {name: is_flag(option) for option in global_params() for name in option.opts}
    assert taken["--json"]
    assert taken["-v"]
    assert not taken["--database"]


def test_every_setting_has_its_sentence_and_none_is_told_that_is_not_there() -> None:
    assert set(settings.SETTINGS) == set(Settings.model_fields)
    assert set(settings.VOLUME_GUARD) == set(VolumeGuard.model_fields)
    assert set(settings.DETRACK) == set(Detrack.model_fields)
    assert set(settings.PRICES) == set(Prices.model_fields)
    assert set(settings.ACCOUNT) == set(AccountSettings.model_fields)
    assert set(settings.PROVIDERS) == set(provider_names())
    for name, told in settings.PROVIDERS.items():
        own = set(load_provider(name).settings_type.model_fields) - set(
            AccountSettings.model_fields
        )
        assert set(told) == own
