"""Fitting what stands in a filter's brackets to what the filter takes."""

from __future__ import annotations

from typing import Final

from jinja2 import nodes

from smsnotify.base.errors import TemplateError
from smsnotify.text.template_errors import did_you_mean
from smsnotify.text.template_filters import FILTERS, FilterSpec, Parameter

_KINDS: Final[dict[str, tuple[type, str]]] = {
    "text": (str, "a text in quotes"),
    "count": (int, "a whole number"),
    "flag": (bool, "true or false"),
}


def bind(node: nodes.Filter) -> dict[str, nodes.Expr]:
    """Return a filter's arguments by name.

    Raises:
        TemplateError: no such filter, or arguments that it does not take.
    """
    spec = FILTERS.get(node.name)
    if spec is None or node.node is None:
        raise _wrong(
            node,
            f"unknown filter {node.name!r}",
            did_you_mean(node.name, FILTERS, f"the filters are {', '.join(FILTERS)}"),
        )
    given = _by_name(node, spec)
    for parameter in spec.parameters:
        if parameter.name in given:
            _check_constant(node, parameter, given[parameter.name])
        elif parameter.required:
            raise _wrong(node, f"the filter {node.name!r} needs {_signature(node.name, spec)}")
    if spec.check is not None:
        told = spec.check(
            {name: one.value for name, one in given.items() if isinstance(one, nodes.Const)}
        )
        if told:
            raise _wrong(node, told)
    return given


def _by_name(node: nodes.Filter, spec: FilterSpec) -> dict[str, nodes.Expr]:
    names = [parameter.name for parameter in spec.parameters]
    if node.dyn_args or node.dyn_kwargs:
        raise _wrong(node, f"the filter {node.name!r} takes no * or **")
    if len(node.args) > len(names):
        raise _wrong(node, f"the filter {node.name!r} takes {_signature(node.name, spec)}")
    given: dict[str, nodes.Expr] = dict(zip(names, node.args, strict=False))
    keywords: list[nodes.Keyword] = node.kwargs  # type: ignore[assignment]  # typed as pairs
    for keyword in keywords:
        if keyword.key not in names or keyword.key in given:
            raise _wrong(node, f"the filter {node.name!r} takes {_signature(node.name, spec)}")
        given[keyword.key] = keyword.value
    return given


def _check_constant(node: nodes.Filter, parameter: Parameter, given: nodes.Expr) -> None:
    if parameter.kind == "any":
        return
    kind, told = _KINDS[parameter.kind]
    value = given.value if isinstance(given, nodes.Const) else None
    if type(value) is not kind:
        raise _wrong(node, f"'{parameter.name}' of the filter {node.name!r} is {told}")
    low, high = parameter.at_least, parameter.at_most
    if isinstance(value, int) and kind is int and not low <= value <= high:
        raise _wrong(
            node, f"'{parameter.name}' of the filter {node.name!r} is between {low} and {high}"
        )


def _signature(name: str, spec: FilterSpec) -> str:
    """Write `truncate(length, killwords?, end?)`, or that nothing may stand in brackets."""
    if not spec.parameters:
        return "nothing in brackets"
    return f"{name}({', '.join(one.name + '?' * (not one.required) for one in spec.parameters)})"


def _wrong(node: nodes.Filter, told: str, hint: str = "") -> TemplateError:
    spec = FILTERS.get(node.name)
    hint = hint or (f"{node.name}: {spec.does}" if spec else "")
    return TemplateError(told, line=node.lineno, name=node.name, hint=hint)
