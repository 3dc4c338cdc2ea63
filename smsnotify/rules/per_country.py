"""What a rule says of single countries: the words of a first text, and how long one may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smsnotify.model.rule import CountryTerms
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.schema_parts import CountryKeys
from smsnotify.rules.yaml_nodes import MapNode, find
from smsnotify.text.encode import fit

_NONE: Final = CountryTerms()


def read_countries(
    keys: RuleKeys, defaults: DefaultsKeys, report: Reporter, path: Path
) -> Mapping[str, CountryTerms] | None:
    """Return what is different by country, None where nothing is.

    The nearest word counts: the rule's for a country, the rule's own `max_segments`, that of
    `defaults` for the country.
    """
    check_countries(keys.countries, report, (*path, "countries"))
    found: dict[str, CountryTerms] = {}
    for country in (*defaults.countries, *keys.countries):
        own = keys.countries.get(country, CountryKeys())
        shared = defaults.countries.get(country, CountryKeys())
        suffix = own.first_text_suffix or shared.first_text_suffix or ""
        further = None if keys.max_segments else shared.max_segments
        found[country] = CountryTerms(
            first_text_suffix="" if _switches_off(suffix) else suffix.strip(),
            max_segments=own.max_segments or further or 0,
        )
    return {country: terms for country, terms in found.items() if terms != _NONE} or None


def check_countries(written: Mapping[str, CountryKeys], report: Reporter, path: Path) -> None:
    """Report what is wrong with a table of countries."""
    for country, keys in written.items():
        _check_code(country, report, (*path, country))
        if not keys.model_fields_set and _says_nothing(report, (*path, country)):
            told = f"nothing is said of {country}"
            hint = "first_text_suffix: Reply STOP to opt out"
            report.error((*path, country), "missing_key", told, hint)
        suffix = keys.first_text_suffix or ""
        at = (*path, country, "first_text_suffix")
        if "{{" in suffix or "{%" in suffix:
            told = "first_text_suffix prints no fields: it is the same for everybody"
            report.error(at, "bad_value", told, "write the words alone")
        elif fit(suffix, "auto").size.segments > 1:
            report.warn(at, "too_long", "first_text_suffix takes more than a segment by itself")


def _says_nothing(report: Reporter, path: Path) -> bool:
    node = find(report.root, path)
    return isinstance(node, MapNode) and not node.values


def _check_code(country: str, report: Reporter, path: Path) -> None:
    from smsnotify.text.country import country_code

    code = country_code(country)
    if code != country:
        hint = f"write {code}" if code else "write its two letters, such as US or IN"
        report.error(
            path, "unknown_country", f"{country!r} is no code of a country", hint, key=True
        )


def _switches_off(suffix: str) -> bool:
    return suffix.strip().lower() == "none"
