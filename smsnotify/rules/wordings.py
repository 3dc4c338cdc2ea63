"""The languages of a rule: which it speaks, and what stands in each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from smsnotify.model.rule import Languages, RuleTerms
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.text.languages import ENGLISH, best_of, is_language
from smsnotify.text.template import Template

ONLY: Final = ""
"""The key of the one wording of a rule that has no languages."""

_LINK: Final = frozenset({"tracking_link"})


class Speech(msgspec.Struct, frozen=True):
    """Which languages a rule speaks: `tags` is empty for the many that have one wording.

    `fallback` is the one for whom no other suits; with one wording, what days are written in.
    """

    tags: tuple[str, ...]
    fallback: str
    field: str


def read_speech(
    keys: RuleKeys, defaults: DefaultsKeys, words: Vocabulary, report: Reporter, path: Path
) -> Speech:
    """Read the languages of a rule; what is wrong with them goes to `report`."""
    tags = tags_of(keys.body, report, (*path, "body"))
    own = "language" in keys.model_fields_set
    fallback = (keys.language if own else defaults.language) or ""
    if own and fallback:
        check_language(fallback, report, (*path, "language"))
    field = keys.language_field or defaults.language_field or ""
    if "language_field" in keys.model_fields_set:
        check_language_field(keys.language_field or "", words, report, (*path, "language_field"))
    if not tags:
        _check_alone(keys, report, path)
        return Speech((), fallback or ENGLISH, field)
    place = (*path, "language") if own else (*path, "body")
    return Speech(tags, read_fallback(fallback, tags, report, place, "body"), field)


def read_fallback(wanted: str, tags: tuple[str, ...], report: Reporter, at: Path, key: str) -> str:
    """Return the language for whom no other suits: the wanted one, else the first."""
    if not wanted:
        return tags[0]
    found = best_of(wanted, tags)
    if not found and is_language(wanted):
        report.error(
            at,
            "no_fallback",
            f"the {key} says nothing in {wanted!r}, the language of whoever reads none of "
            f"{', '.join(tags)}",
            f"add {wanted}: to the {key}, or choose another language",
        )
    return found or tags[0]


def tags_of(written: object, report: Reporter, path: Path) -> tuple[str, ...]:
    """Return the tags of texts by language; none when one text stands there."""
    if not isinstance(written, dict):
        return ()
    seen: dict[str, str] = {}
    for tag in written:
        if check_language(tag, report, (*path, tag), key=True):
            twin = seen.setdefault(tag.replace("_", "-").lower(), tag)
            if twin != tag:
                told = f"{tag!r} and {twin!r} are the same language"
                report.error((*path, tag), "doubled", told, key=True)
    return tuple(written)


def check_shared_language(defaults: DefaultsKeys, words: Vocabulary, report: Reporter) -> None:
    """Report what is wrong with the languages of `defaults`."""
    if defaults.language:
        check_language(defaults.language, report, ("defaults", "language"))
    if defaults.language_field:
        check_language_field(defaults.language_field, words, report, ("defaults", "language_field"))


def check_language(tag: str, report: Reporter, path: Path, *, key: bool = False) -> bool:
    """Say whether a tag is one of a language; report it if not."""
    if is_language(tag):
        return True
    hint = "write its tag, such as en, zh, zh-Hant or pt-BR"
    report.error(path, "unknown_language", f"{tag!r} is no language", hint, key=key)
    return False


def check_language_field(field: str, words: Vocabulary, report: Reporter, path: Path) -> None:
    """Look at a job field that shall name the reader's language."""
    from smsnotify.rules.where import unknown_field

    kind = words.fields.get(field)
    if kind is None:
        unknown_field(field, words, report, path)
    elif kind != "text":
        told = f"the field {field!r} holds no text, and a language is one"
        report.error(path, "bad_value", told, "en, zh or pt-BR must stand in it")


def _check_alone(keys: RuleKeys, report: Reporter, path: Path) -> None:
    """A rule of one wording must not ask for languages elsewhere."""
    if isinstance(keys.subject, dict):
        report.error(
            (*path, "subject"),
            "missing_language",
            "the subject has languages, and the body has none",
            "body: {en: …, zh: …}, with the same languages",
        )
    if "language_field" in keys.model_fields_set:
        told = "language_field changes nothing for a body in one language"
        hint = "body: {en: …, zh: …}, or take it out"
        report.warn((*path, "language_field"), "no_effect", told, hint, key=True)


def wordings(written: str | Mapping[str, Any], path: Path) -> dict[str, tuple[str, Path]]:
    """Return each wording of a key with its place, by language; ONLY where there is one."""
    if isinstance(written, str):
        return {ONLY: (written, path)}
    return {tag: (text, (*path, tag)) for tag, text in written.items() if isinstance(text, str)}


def called(path: Path) -> str:
    """Name the text that stands at a path: `the body`, or `the text in 'zh'`."""
    above = path[-2] if len(path) > 1 else ""
    by_language = above in ("body", "subject", "send")
    return f"the text in {path[-1]!r}" if by_language else f"the {path[-1]}"


def all_in_one(written: str | Mapping[str, Any] | None) -> str:
    """Write every wording of a key into one text, each with its language; `''` for none."""
    texts = wordings(written or "", ())
    return "\n".join(f"{tag}: {text}" if tag else text for tag, (text, _) in texts.items())


def check_texts(written: object, report: Reporter, path: Path) -> bool:
    """Say whether every language has a text; report what is none."""
    if not isinstance(written, dict):
        return True
    wrong = [tag for tag, text in written.items() if not isinstance(text, str) or not text.strip()]
    for tag in wrong:
        told = f"{path[-1]}.{tag}: the text is blank"
        report.error((*path, tag), "blank_body", told, "write what the recipient shall read")
    return not wrong


def check_same_languages(
    written: object, tags: tuple[str, ...], report: Reporter, path: Path, of: str = "body"
) -> bool:
    """Say whether a key in languages has those of the text that it goes with."""
    if not isinstance(written, dict) or not tags:
        return True
    key = path[-1]
    lost = [tag for tag in tags if tag not in written]
    odd = [tag for tag in written if tag not in tags]
    for tag in lost:
        told = f"the {key} says nothing in {tag!r}, and the {of} does"
        report.error(path, "missing_language", told, f"add {tag}: to the {key}")
    for tag in odd:
        told = f"the {key} has {tag!r}, and the {of} does not"
        report.error((*path, tag), "missing_language", told, f"add {tag}: to the {of}", key=True)
    return not lost and not odd


def check_same_fields(templates: Mapping[str, Template], report: Reporter, path: Path) -> None:
    """Warn of a language that leaves out what another one tells."""
    for tag, template in templates.items():
        for other, fuller in templates.items():
            lost = sorted(_told_by(fuller) - _told_by(template))
            if lost:
                told = f"the text in {tag!r} says nothing of {lost[0]}, and that in {other!r} does"
                hint = "is it forgotten? Who reads one language shall know what the others know"
                report.warn((*path, tag), "missing_field", told, hint, key=True)
                break


def _told_by(template: Template) -> frozenset[str]:
    return (template.fields | template.loops) - _LINK


def spoken(terms: RuleTerms, speech: Speech, word: Callable[[str], Mapping[str, Any]]) -> RuleTerms:
    """Return terms that speak the rule's languages; `word` gives what differs in one of them."""
    if not speech.tags:
        return terms
    by_tag = {tag: msgspec.structs.replace(terms, **word(tag)) for tag in speech.tags}
    languages = Languages(
        terms=by_tag, offered=speech.tags, fallback=speech.fallback, field=speech.field
    )
    return msgspec.structs.replace(terms, languages=languages, reads_person=True)
