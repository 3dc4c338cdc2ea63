"""How tracking pages look: templates, style, script, and the firm's own logo and colour."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from smsnotify.wiring.crosscheck import LOGO_TYPES
from smsnotify.wiring.loading import Loaded
from smsnotify.wiring.models import TrackingSettings

_FILES: Final = {"tracking.css": "text/css", "tracking.js": "text/javascript"}
_BLACK, _WHITE = "#000000", "#ffffff"


class Look(msgspec.Struct, frozen=True):
    """What one set of settings makes of the page.

    `no_raters` are the firm's own people; `language` is spoken where nothing else is known, and
    `language_fields` are those of a job that name its reader's.
    """

    settings: TrackingSettings
    timezone: str
    assets: dict[str, tuple[bytes, str]]
    no_raters: frozenset[str]
    language: str
    language_fields: tuple[str, ...]

    @property
    def has_logo(self) -> bool:
        """True when there is a logo to show."""
        return "logo" in self.assets


def look_of(loaded: Loaded) -> Look:
    """Return how pages look with these settings; a logo that is gone meanwhile is left out."""
    settings = loaded.settings.tracking
    assets = {name: (_own_file(name), kind) for name, kind in _FILES.items()}
    brand = f":root{{--brand:{settings.colour};--on-brand:{legible_on(settings.colour)}}}\n"
    assets["brand.css"] = (brand.encode(), "text/css")
    if settings.logo:
        file = loaded.settings.folder / Path(settings.logo).expanduser()
        with suppress(OSError, KeyError):
            assets["logo"] = (file.read_bytes(), LOGO_TYPES[file.suffix.lower()])
    fixed = {number for rule in loaded.rules.rules for number in rule.fixed}
    return Look(
        settings=settings,
        timezone=loaded.settings.timezone,
        assets=assets,
        no_raters=frozenset(fixed | set(loaded.settings.staff)),
        language=loaded.settings.language,
        language_fields=loaded.rules.language_fields,
    )


def legible_on(colour: str) -> str:
    """Return black or white: the one that is read better on a colour (always at least 4.5:1)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    light = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    return _BLACK if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else _WHITE


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)


@cache
def template(name: str) -> Template:
    """Return a template; everything that is put into it is escaped."""
    return _environment().get_template(name)


@lru_cache(maxsize=1024)
def stars(name: str, legend: str, star: str, given: int | None) -> Markup:
    """Return the stars of one thing that is rated: the same few on every page, so they are kept.

    `legend` says what is rated, `star` is the word for so many stars.
    """
    made = template("tracking_stars.html").render(name=name, legend=legend, star=star, given=given)
    return Markup(made)  # noqa: S704 - the template escaped it


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("smsnotify.web"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["stars"] = stars
    return environment


@cache
def _own_file(name: str) -> bytes:
    return (files("smsnotify.web") / "static" / name).read_bytes()
