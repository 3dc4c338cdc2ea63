"""What the parts of one plan share while it is built: its words, its texts, its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.model.job import ITEM_FIELDS
from smsnotify.model.plan import ENDS, Words
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.plans.speaking import speaking
from smsnotify.rules.body import check_length
from smsnotify.rules.conditions import Condition
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.rules.where import read_conditions
from smsnotify.rules.wordings import (
    ONLY,
    check_same_fields,
    check_texts,
    read_fallback,
    tags_of,
    wordings,
)
from smsnotify.text.languages import ENGLISH
from smsnotify.text.template import Template, compile_template
from smsnotify.text.template_namespaces import Namespaces

_LISTS: Final = {"items": ITEM_FIELDS}


class Scope(msgspec.Struct, kw_only=True):
    """One plan under construction.

    `steps` are the names of all steps, `asks` of those that wait for a reply. `reads` collects
    the attributes that texts and conditions look at, `events` the names of events.
    """

    report: Reporter
    words: Vocabulary
    steps: tuple[str, ...]
    asks: frozenset[str]
    encoding: Literal["auto", "gsm7", "ucs2"]
    max_segments: int
    language: str = ""
    language_field: str = ""
    reads: set[str] = set()
    events: set[str] = set()

    @property
    def namespaces(self) -> Namespaces:
        """What may stand before a dot in texts and conditions."""
        return {"contact": None, "replies": self.asks}

    def text(
        self,
        source: str | Mapping[str, Any],
        path: Path,
        *,
        sent: bool = True,
        to_person: bool = False,
        escape: Callable[[str], str] | None = None,
    ) -> Words | None:
        """Compile a text; None when it cannot be. `sent`: it becomes an SMS, so its size counts.

        Texts by language become one that asks its reader. `to_person`: it may print a link to
        opt out. `escape` is for Markdown.
        """
        tags = tags_of(source, self.report, path)
        fallback, key = self.language or ENGLISH, str(path[-1])
        if tags:
            fallback = read_fallback(self.language, tags, self.report, path, key)
        if not check_texts(source, self.report, path):
            return None
        made = {
            tag: self._compiled(text, place, tag or fallback, sent, to_person, escape)
            for tag, (text, place) in wordings(source, path).items()
        }
        templates = {tag: one for tag, one in made.items() if one is not None}
        if len(templates) < len(made):
            return None
        if not tags:
            return templates[ONLY].render
        check_same_fields(templates, self.report, path)
        self.reads |= {self.language_field} - {""}
        renderers = {tag: one.render for tag, one in templates.items()}
        return speaking(renderers, fallback, self.language_field)

    def _compiled(
        self,
        source: str,
        path: Path,
        language: str,
        sent: bool,
        to_person: bool,
        escape: Callable[[str], str] | None,
    ) -> Template | None:
        fields = self.words.printable | {OPT_OUT_LINK} if to_person else self.words.printable
        try:
            made = compile_template(
                source,
                fields=fields,
                lists=_LISTS,
                namespaces=self.namespaces,
                escape=escape,
                language=language,
            )
        except TemplateError as error:
            hint = error.hint
            if self.words.fields.get(error.name) == "list" and error.name != "items":
                hint = f"{error.name} is a list, which a text cannot print"
            self.report.error_in_text(
                path, error.line, error.name, "bad_template", error.message, hint
            )
            return None
        self.reads |= made.fields | made.loops
        if sent:
            longest = self.max_segments if escape is None else None
            check_length(source, self.encoding, longest, self.report, path)
        return made

    def conditions(
        self, where: Mapping[str, Any], path: Path, *, answers: bool = True
    ) -> list[Condition]:
        """Compile conditions; `answers`: replies of earlier steps may be asked for."""
        spaces: Namespaces = self.namespaces if answers else {"contact": None}
        made = read_conditions(where, self.words, self.report, path, spaces)
        self.reads |= {each.field for each in made}
        return made

    def target(self, name: str, path: Path) -> str:
        """Check the name of a step, or of an end."""
        if name not in self.steps and name not in ENDS:
            self.report.error(
                path,
                "unknown_step",
                f"there is no step {name!r}" if name else "the name of a step is missing",
                did_you_mean(name, [*self.steps, *ENDS])
                or f"the steps are {', '.join(self.steps)}; or {', '.join(sorted(ENDS))}",
            )
        return name

    def heard(
        self, names: list[str], path: Path, *, receipts: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Check the names of events; `receipts` are those that may stand here besides."""
        for index, name in enumerate(names):
            if name not in self.words.events and name not in receipts:
                self.unknown_event(name, (*path, index))
            elif name in names[:index]:
                self.report.error(
                    (*path, index), "doubled", f"the event {name!r} is in the list twice"
                )
        self.events |= set(names) - receipts
        return frozenset(names)

    def unknown_event(self, name: str, path: Path) -> None:
        """Report a name that is no event."""
        self.report.error(
            path,
            "unknown_event",
            f"unknown event {name!r}",
            did_you_mean(name, self.words.events)
            or "an event of your own goes under custom_events at the top of the file",
        )

    def after(self, step: str) -> str:
        """Return the step behind one in the file, `finished` behind the last."""
        place = self.steps.index(step) + 1
        return self.steps[place] if place < len(self.steps) else "finished"


def shown(field: str) -> str:
    """Return a field as it is written: `contact__tier` is `contact.tier`."""
    space, joint, name = field.partition("__")
    return f"{space}.{name}" if joint and space in ("contact", "replies") else field
