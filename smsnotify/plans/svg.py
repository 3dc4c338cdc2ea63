"""A plan as a picture: its steps in one column, the ways between them in lanes beside it.

Every way is a row of its step's box. One that ends the plan says so in its row; one that leads
to a step leaves the row on the right, goes up or down a lane of its own, and comes in at the top
of that step. Ways never cross a box or a label, however large the plan is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

from smsnotify.model.plan import Plan
from smsnotify.plans.outline import begins, does, goes, terms

_LINE: Final = 18
_PAD: Final = 10
_GAP: Final = 28
_LEFT: Final = 20
_WIDTH: Final = 440
_COLUMNS: Final = 52  # characters of a line in a box
_LANE: Final = 16
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE: Final = (
    "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#1f2933}"
    ".name{font-weight:bold}.say{fill:#52606d}.end{fill:#9b2c2c}.finished{fill:#2f6f43}"
    ".box{fill:#f8fafc;stroke:#64748b}.enter{fill:#e6f4ea;stroke:#4d7c5f}"
    ".way{fill:none;stroke:#3b6ea5}.tip{fill:#3b6ea5}"
)


class _Row(NamedTuple):
    text: str
    style: str
    target: str = ""  # the step that the row's way leads to


class _Box(NamedTuple):
    name: str
    top: int
    rows: tuple[_Row, ...]

    @property
    def height(self) -> int:
        return _height(self.rows)

    def row_at(self, index: int) -> int:
        """Return the baseline of a row's text."""
        return self.top + _PAD + _LINE * (index + 1) - 5


class _Link(NamedTuple):
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int]:
        return min(self.start, self.end), max(self.start, self.end)


def svg(plan: Plan) -> str:
    """Return the picture as one SVG document; every text of the plan is escaped in it."""
    boxes = list(_boxes(plan))
    tops = {box.name: box.top + _PAD + _LINE // 2 for box in boxes}
    links = [
        _Link(box.row_at(index) - 4, tops[row.target])
        for box in boxes
        for index, row in enumerate(box.rows)
        if row.target
    ]
    lanes = _lanes(links)
    width = _LEFT + _WIDTH + _LANE * (max(lanes, default=0) + 2) + _LEFT
    height = boxes[-1].top + boxes[-1].height + _LEFT
    title = _xml(f"Plan {plan.name}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{_attribute(plan.name)}">',
        f"<title>{title}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(part for box in boxes for part in _drawn(box)),
        *(part for link, lane in zip(links, lanes, strict=True) for part in _arrow(link, lane)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _boxes(plan: Plan) -> Iterable[_Box]:
    rows = [
        _Row(plan.name, "name"),
        *(_Row(line, "say") for line in _wrapped(f"begins with {begins(plan)}")),
        *(_Row(line, "say") for line in _wrapped(terms(plan))),
    ]
    rows[-1] = rows[-1]._replace(target=plan.first.name)
    top = _LEFT
    yield _Box("", top, tuple(rows))
    for name, step in plan.steps.items():
        top += _height(rows) + _GAP
        rows = [_Row(name, "name")]
        rows += [_Row(line, "say") for told in does(step) for line in _wrapped(told)]
        for label, way in goes(plan, step):
            lines = _wrapped(f"{label} → {way.target}".strip())
            style = way.target if way.target == "finished" else "end" if way.ends else "way-on"
            rows += [_Row(line, style) for line in lines]
            if not way.ends:
                rows[-1] = rows[-1]._replace(target=way.target)
        yield _Box(name, top, tuple(rows))


def _height(rows: Sequence[_Row]) -> int:
    return 2 * _PAD + _LINE * len(rows)


def _lanes(links: Sequence[_Link]) -> list[int]:
    """Give each link the first lane in which it meets no other; short ones choose first.

    Links to one step may share a lane: they come together there.
    """
    taken: list[list[_Link]] = []
    chosen = [0] * len(links)
    by_length = sorted(range(len(links)), key=lambda each: (_length(links[each]), each))
    for index in by_length:
        link = links[index]
        lane = next((at for at, others in enumerate(taken) if _fits(link, others)), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append(link)
        chosen[index] = lane
    return chosen


def _length(link: _Link) -> int:
    low, high = link.span
    return high - low


def _fits(link: _Link, others: Iterable[_Link]) -> bool:
    low, high = link.span
    return all(
        other.end == link.end or high < other.span[0] or other.span[1] < low for other in others
    )


def _drawn(box: _Box) -> Iterable[str]:
    kind = "box" if box.name else "enter"
    yield (
        f'<rect class="{kind}" x="{_LEFT}" y="{box.top}" width="{_WIDTH}" height="{box.height}" '
        f'rx="8"/>'
    )
    for index, row in enumerate(box.rows):
        at = f'x="{_LEFT + _PAD}" y="{box.row_at(index)}"'
        yield f'<text class="{row.style}" {at} xml:space="preserve">{_xml(row.text)}</text>'


def _arrow(link: _Link, lane: int) -> Iterable[str]:
    side = _LEFT + _WIDTH
    x = side + _LANE * (lane + 1)
    yield f'<path class="way" d="M{side} {link.start}H{x}V{link.end}H{side + 6}"/>'
    tip = f"M{side} {link.end}l8 -4v8z"
    yield f'<path class="tip" d="{tip}"/>'


def _wrapped(text: str) -> list[str]:
    """Break a line at spaces, and a word that is longer than a line anywhere."""
    lines, line, used = [], "", 0
    for piece in re.findall(r"\S+\s*|\s+", text):
        word, size = piece, _columns(piece.rstrip())
        if used and used + size > _COLUMNS:
            lines.append(line.rstrip())
            line, used = "  ", 2
        while _columns(word.rstrip()) > _COLUMNS - used:
            cut = _cut(word, _COLUMNS - used)
            lines.append(line + word[:cut])
            word, line, used = word[cut:], "  ", 2
        line += word
        used += _columns(word)
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _cut(word: str, columns: int) -> int:
    """Return how many characters of a word fit, one at the least."""
    count = 1
    while count < len(word) and _columns(word[: count + 1]) <= columns:
        count += 1
    return count


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def _xml(text: str) -> str:
    return escape(_NO_XML.sub("�", text))


def _attribute(text: str) -> str:
    return escape(_NO_XML.sub("�", text), {'"': "&quot;"})
