"""Which providers there are. Nothing else lists them.

A provider of another distribution joins through the entry point group `smsnotify.providers`:

    [project.entry-points."smsnotify.providers"]
    acme = "acme_sms.provider:AcmeProvider"
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from smsnotify.base.errors import ConfigError
from smsnotify.providers.base import HttpProvider, LocalProvider

GROUP: Final = "smsnotify.providers"

_BUILT_IN: Final = {
    "8x8": "smsnotify.providers.eight_x_eight:EightXEight",
    "apprise": "smsnotify.providers.apprise:Apprise",
    "sandbox": "smsnotify.providers.sandbox:Sandbox",
    "smtp": "smsnotify.providers.smtp:Smtp",
    "twilio": "smsnotify.providers.twilio:Twilio",
}

_EVERY_PROVIDER_HAS: Final = ("name", "title", "local", "capabilities", "settings_type")


def provider_names() -> tuple[str, ...]:
    """Return the names of all providers, sorted; built in and installed."""
    return tuple(sorted({*_BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))}))


def load_provider(name: str) -> type[HttpProvider] | type[LocalProvider]:
    """Import a provider and return its class; `local` says which of the two ports it has.

    A built-in name cannot be taken over by an installed provider.

    Raises:
        ConfigError: there is no such provider, or an installed one cannot be loaded.
    """
    built_in = _BUILT_IN.get(name)
    if built_in:
        module, _, attribute = built_in.partition(":")
        return _as_provider(getattr(import_module(module), attribute))
    for entry in entry_points(group=GROUP, name=name):
        return _load_installed(entry)
    raise ConfigError(f"there is no provider {name!r}", hint=_hint(name))


def _hint(name: str) -> str:
    known = provider_names()
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known providers: {', '.join(known)}"


def _load_installed(entry: EntryPoint) -> type[HttpProvider] | type[LocalProvider]:
    try:
        loaded = entry.load()
    except Exception as error:  # whatever the other distribution's module does when imported
        raise ConfigError(
            f"the installed provider {entry.name!r} ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}",
            hint="update or remove the package that brings it",
        ) from error
    missing = [part for part in _EVERY_PROVIDER_HAS if not hasattr(loaded, part)]
    if missing:
        raise ConfigError(
            f"the installed provider {entry.name!r} ({entry.value}) lacks: {', '.join(missing)}",
            hint="update or remove the package that brings it",
        )
    return _as_provider(loaded)


def _as_provider(loaded: Any) -> type[HttpProvider] | type[LocalProvider]:
    return cast("type[HttpProvider] | type[LocalProvider]", loaded)
