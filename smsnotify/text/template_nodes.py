"""Making, naming and refusing the nodes of a parsed template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from jinja2 import nodes

from smsnotify.base.errors import TemplateError
from smsnotify.text.template_errors import refused

DEEPEST_BLOCK: Final = 8
DEEPEST_EXPRESSION: Final = 24
MOST_BRANCHES: Final = 40

_ARITHMETIC: Final[dict[type[nodes.Node], str]] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
    nodes.Neg: "-",
    nodes.Pos: "+",
}
_TAGS: Final[dict[type[nodes.Node], str]] = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.With: "with",
    nodes.Scope: "autoescape",
}


def const(value: object) -> nodes.Expr:
    """Make a constant."""
    return nodes.Const(value)


def call(
    name: str,
    value: nodes.Expr,
    arguments: Sequence[nodes.Expr],
    line: int,
    keywords: Sequence[nodes.Keyword] = (),
) -> nodes.Expr:
    """Make a call of one of our own functions, which Jinja2 knows as filters."""
    return nodes.Filter(value, name, list(arguments), list(keywords), None, None, lineno=line)


def too_deep(line: int) -> TemplateError:
    """Return the error for blocks or brackets within each other beyond any use."""
    hint = f"at most {DEEPEST_BLOCK} blocks, and {DEEPEST_EXPRESSION} steps in one expression"
    return TemplateError("the template is nested too deeply", line=line, hint=hint)


def deeper(node: nodes.Node, depth: int) -> int:
    """Return the depth one step down.

    Raises:
        TemplateError: that is too deep.
    """
    if depth >= DEEPEST_EXPRESSION:
        raise too_deep(node.lineno)
    return depth + 1


def describe(node: nodes.Node) -> str:
    """Name what stands where a list should."""
    match node:
        case nodes.Name():
            return repr(node.name)
        case nodes.Const(value=str()):
            return "a text"
        case nodes.Const():
            return "a number"
        case nodes.Call(node=nodes.Name(name=name)):
            return f"{name}(…)"
    return "an expression"


def expression_refused(node: nodes.Node) -> TemplateError:
    """Return the error for an expression that Jinja2 has and a template may not use."""
    line = node.lineno
    sign = _ARITHMETIC.get(type(node))
    if sign is not None:
        return refused(f"arithmetic ({sign})", line, sign, "join texts with ~")
    match node:
        case nodes.Call(node=nodes.Name(name=name)):
            return refused(f"the call {name}(…)", line, name)
        case nodes.Call():
            return refused("a call", line)
        case nodes.Getitem(node=nodes.Name(name=name)):
            return refused(f"{name}[…]", line, name)
        case nodes.Getitem():
            return refused("[…] after a value", line)
        case nodes.List() | nodes.Tuple():
            return refused("a list", line, hint="lists stand after `in` only")
    return refused(f"this expression ({type(node).__name__.lower()})", line)


def statement_refused(node: nodes.Node) -> TemplateError:
    """Return the error for a tag that Jinja2 has and a template may not use."""
    word = _TAGS.get(type(node), type(node).__name__.lower())
    line = node.body[0].lineno if isinstance(node, nodes.Scope) else node.lineno
    return refused(f"{{% {word} %}}", line, word)
