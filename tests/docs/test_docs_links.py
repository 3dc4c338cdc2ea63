"""Links lead somewhere, and no page speaks of the machine that it was written on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import ROOT, all_pages

PAGES = {page.name: page for page in all_pages()}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|tmp|Users|private|mnt|opt/venv)/|C:\\Users\\(?!desk)"
)


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = PAGES[name]
    lost = []
    for link in LINK.findall(FENCED.sub("", page.text)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(link)
    assert lost == []


def test_every_page_of_the_documentation_is_in_its_list() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {
        (index.parent / link.partition("#")[0]).resolve()
        for link in LINK.findall(index.read_text(encoding="utf-8"))
    }
    pages = {page.path for page in PAGES.values() if page.name.startswith("docs/")}
    assert pages - listed == {index}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_the_machine_it_was_written_on(name: str) -> None:
    assert MACHINE.findall(PAGES[name].text) == []


def test_the_example_rules_point_at_their_schema() -> None:
    first = (ROOT / "rules.example.yaml").read_text(encoding="utf-8").splitlines()[0]
    schema = first.partition("$schema=")[2]
    assert (ROOT / schema).is_file()
