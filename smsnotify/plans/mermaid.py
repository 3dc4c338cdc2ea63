"""A plan as a Mermaid flowchart, for Markdown pages and the live editor."""

from __future__ import annotations

from smsnotify.model.plan import Plan
from smsnotify.plans.outline import begins, does, goes

_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "#": "#35;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "\\": "#92;",
        "\u2028": " ",
        "\u2029": " ",
    }
)
"""What would end a label or be read as markup."""


def mermaid(plan: Plan) -> str:
    """Return the text of the flowchart, one line per node and per way."""
    lines = [
        "flowchart TD",
        f'  enter(["{_label(begins(plan))}"])',
        f"  enter --> s_{plan.first.name}",
    ]
    ends: dict[str, str] = {}
    for name, step in plan.steps.items():
        told = "<br/>".join(map(_label, [name, *does(step)]))
        lines.append(f'  s_{name}["{told}"]')
        for label, way in goes(plan, step):
            target = f"e_{way.target}" if way.ends else f"s_{way.target}"
            if way.ends:
                ends[target] = way.target
            arrow = f'-- "{_label(label)}" -->' if label else "-->"
            lines.append(f"  s_{name} {arrow} {target}")
    lines += [f'  {node}(["{word}"])' for node, word in ends.items()]
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.translate(_ESCAPES)
