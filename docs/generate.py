"""Writes the generated parts of the reference pages.

python docs/generate.py            writes what changed and names it
python docs/generate.py --check    exit code 1 when something is not current

A page is written by hand; between `<!-- generated: NAME -->` and `<!-- end -->` stands what
`PARTS` makes. `rules.schema.json` and `states.md` are generated whole. The pages of
`TRANSCRIPTS` show what their commands print; a test of their own compares that, so `--check`
leaves it out.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from generators import (  # noqa: E402
    case_keys,
    commands,
    plan_keys,
    providers,
    rule_keys,
    settings,
    states,
    transcripts,
    words,
)

from smsnotify.plans.jsonschema import book_schema  # noqa: E402

SCHEMA: Final = DOCS / "reference" / "rules.schema.json"
STATES: Final = DOCS / "reference" / "states.md"

PARTS: Final[dict[str, Callable[[], str]]] = {
    "commands": commands.overview,
    "options everywhere": commands.everywhere,
    "options of the program": commands.completion,
    "command pages": commands.pages,
    "rule file": rule_keys.file_keys,
    "rule defaults": rule_keys.defaults,
    "rule keys": rule_keys.rule_keys,
    "rule quiet_hours": rule_keys.quiet_hours,
    "rule digest": rule_keys.digest,
    "rule countries": rule_keys.countries,
    "rule caps": rule_keys.caps,
    "rule pre_job": rule_keys.pre_job,
    "rule inhibited_by": rule_keys.inhibited_by,
    "rule to": rule_keys.recipients,
    "rule operators": rule_keys.operators,
    **plan_keys.PARTS,
    **case_keys.PARTS,
    "settings": settings.top,
    "settings volume_guard": settings.volume_guard,
    "settings accounts": settings.accounts,
    "settings conversation": settings.conversation,
    "settings keywords": settings.keywords,
    "settings detrack": settings.detrack,
    "settings prices": settings.prices,
    "settings caps": settings.caps,
    "settings caps.recipient": settings.recipient_caps,
    "settings caps.countries": settings.country_caps,
    "settings sandbox": settings.sandbox,
    "settings tracking": settings.tracking,
    "settings serve": settings.serve,
    "settings console": settings.console,
    "settings 8x8": lambda: settings.own_keys("8x8"),
    "settings apprise": lambda: settings.own_keys("apprise"),
    "settings smtp": lambda: settings.own_keys("smtp"),
    "settings twilio": lambda: settings.own_keys("twilio"),
    "provider matrix": providers.matrix,
    "8x8 request codes": lambda: providers.request_codes("8x8"),
    "8x8 receipt codes": lambda: providers.receipt_codes("8x8"),
    "twilio request codes": lambda: providers.request_codes("twilio"),
    "twilio receipt codes": lambda: providers.receipt_codes("twilio"),
    "error tree": words.error_tree,
    "error codes": words.error_codes,
    "filters": words.filters,
    "events": words.events,
    "statuses": words.statuses,
    "job fields": words.job_fields,
}

TRANSCRIPTS: Final = {
    DOCS.parent / "README.md": (
        "rules.example.yaml",
        "rules.example.test.yaml",
        "examples/events.jsonl",
    ),
    DOCS / "tutorial" / "first-text.md": (),
    DOCS / "tutorial" / "conversation.md": (),
}
"""Pages whose commands are run, and the files of the repository that they need."""

_PART: Final = re.compile(r"(<!-- generated: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """Return a page with every generated part made anew.

    Raises:
        KeyError: a part has a name that nothing makes.
    """
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n\n{part[3]}", page)


def used_parts() -> set[str]:
    """Return the names of the parts that some page shows."""
    texts = (page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    return {part[2] for text in texts for part in _PART.finditer(text)}


def outdated() -> Iterator[tuple[Path, str]]:
    """Yield every page that is not current, and what should stand in it."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        current = filled(text)
        if current != text:
            yield page, current
    schema = json.dumps(book_schema(), indent=2, ensure_ascii=False) + "\n"
    for page, current in ((SCHEMA, schema), (STATES, states.page())):
        if not page.exists() or page.read_text(encoding="utf-8") != current:
            yield page, current


def lying() -> Iterator[tuple[Path, str]]:
    """Yield every page whose commands print something else than it shows, and what they print."""
    for page, copies in TRANSCRIPTS.items():
        text = page.read_text(encoding="utf-8")
        current = transcripts.rewritten(text, copies=copies)
        if current != text:
            yield page, current


def main(args: list[str]) -> int:
    """Write or check the pages and return the exit code."""
    pages = [*outdated(), *(() if "--check" in args else lying())]
    for page, text in pages:
        told = "is not current" if "--check" in args else "written"
        sys.stdout.write(f"{page.relative_to(DOCS.parent)}: {told}\n")
        if "--check" not in args:
            page.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(pages) and "--check" in args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
