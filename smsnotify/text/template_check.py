"""The allow-list over a parsed template.

Every node that is not named here is refused. On the way operators are written anew as calls of
our own functions, so that missing values, numbers written as text and entries that are no
objects behave as `template_values` says, and nothing of Jinja2's own run-time is left but `if`,
`for` and joining.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from jinja2 import nodes

from smsnotify.base.errors import TemplateError
from smsnotify.text.template_bind import bind
from smsnotify.text.template_errors import did_you_mean, refused, stray, unknown_field
from smsnotify.text.template_fast import RESERVED, find_delimiter
from smsnotify.text.template_filters import FILTERS
from smsnotify.text.template_namespaces import (
    NO_NAMESPACES,
    Namespaces,
    attribute,
    is_inside,
    space_alone,
    unknown_name,
)
from smsnotify.text.template_nodes import (
    DEEPEST_BLOCK,
    MOST_BRANCHES,
    call,
    const,
    deeper,
    describe,
    expression_refused,
    statement_refused,
    too_deep,
)

LOOP_FIELDS: Final = frozenset({"index", "first", "last"})


class Checker:
    """Checks one template and collects what it reads."""

    def __init__(
        self,
        fields: frozenset[str],
        lists: Mapping[str, Collection[str]],
        namespaces: Namespaces = NO_NAMESPACES,
    ) -> None:
        """Take the fields that may be printed, the lists with their entries' fields, and what
        may stand before a dot. `fields` then has what is read, each with its name for people, and
        `entries` what is read of the entries of lists."""
        self.allowed = fields
        self.lists = lists
        self.namespaces = namespaces
        self.fields: dict[str, str] = {}
        self.loops: set[str] = set()
        self.entries: defaultdict[str, set[str]] = defaultdict(set)
        self._loop: tuple[str, str] | None = None  # the loop's variable and its list

    def check(self, template: nodes.Template) -> None:
        """Check every node, and put our own in the place of operators.

        Raises:
            TemplateError: something is not allowed, or is no field or filter.
        """
        self._body(template.body, 0)

    def _body(self, body: list[nodes.Node], depth: int) -> None:
        for node in body:
            if depth > DEEPEST_BLOCK:
                raise too_deep(node.lineno)
            if isinstance(node, nodes.Output):
                node.nodes = [self._printed(one) for one in node.nodes]
            elif isinstance(node, nodes.If):
                self._if(node, depth)
            elif isinstance(node, nodes.For):
                self._for(node, depth)
            else:
                raise statement_refused(node)

    def _printed(self, node: nodes.Expr) -> nodes.Expr:
        if not isinstance(node, nodes.TemplateData):
            return self._value(node, 0)
        found = find_delimiter(node.data)
        if found is not None:
            before = node.data.count("\n", 0, found.start())
            raise stray(found.group(), node.lineno + before)
        return node

    def _if(self, node: nodes.If, depth: int) -> None:
        node.test = self._truth(node.test, 0)
        self._body(node.body, depth + 1)
        if len(node.elif_) > MOST_BRANCHES:
            raise refused(f"more than {MOST_BRANCHES} branches of one if", node.lineno, "elif")
        for branch in node.elif_:
            self._if(branch, depth)
        self._body(node.else_, depth + 1)

    def _for(self, node: nodes.For, depth: int) -> None:
        line = node.lineno
        if self._loop is not None:
            raise refused("a loop within a loop", line, hint="close the first with {% endfor %}")
        if node.recursive:
            raise refused("a recursive loop", line, "recursive")
        if not isinstance(node.target, nodes.Name):
            raise refused("a loop with several variables", line, hint=self._loop_hint())
        if not isinstance(node.iter, nodes.Name) or node.iter.name not in self.lists:
            raise TemplateError(
                f"a loop runs over {self._list_names()}, not over {describe(node.iter)}",
                line=line,
                name=self._label(node.iter),
                hint=self._loop_hint(),
            )
        name = node.target.name
        if name in RESERVED or self._is_taken(name) or name[0] == "_":
            hint = f"choose another name: {self._loop_hint(node.iter.name)}"
            raise refused(f"the loop variable {name!r}", line, name, hint)
        self.loops.add(node.iter.name)
        self._body(node.else_, depth + 1)
        self._loop = (name, node.iter.name)
        if node.test is not None:
            node.test = self._truth(node.test, 0)
        self._body(node.body, depth + 1)
        self._loop = None

    def _truth(self, node: nodes.Node, depth: int) -> nodes.Expr:
        """Check a condition, in which a list says whether there is anything in it."""
        if isinstance(node, nodes.Name) and node.name in self.lists:
            self.loops.add(node.name)
            return node
        if isinstance(node, (nodes.And, nodes.Or)):
            node.left = self._truth(node.left, deeper(node, depth))
            node.right = self._truth(node.right, depth + 1)
            return node
        if isinstance(node, nodes.Not):
            node.node = self._truth(node.node, deeper(node, depth))
            return node
        return self._value(node, depth)

    def _value(self, node: nodes.Node, depth: int) -> nodes.Expr:
        """Check an expression that gives a value."""
        inner = deeper(node, depth)
        match node:
            case nodes.Const():
                return self._const(node)
            case nodes.Name():
                return self._name(node)
            case nodes.Getattr():
                return self._attribute(node)
            case nodes.Filter():
                return self._filter(node, inner)
            case nodes.Test():
                return self._test(node, inner)
            case nodes.Compare():
                return self._compare(node, inner)
            case nodes.And() | nodes.Or():
                node.left, node.right = (
                    self._value(node.left, inner),
                    self._value(node.right, inner),
                )
                return node
            case nodes.Not():
                return self._truth(node, depth)
            case nodes.CondExpr():
                return self._choice(node, inner)
            case nodes.Concat():
                label = const(self._label(node) or "text")
                first, *others = [self._value(one, inner) for one in node.nodes]
                return call("_concat", first, [label, *others], node.lineno)
            case nodes.Neg(node=nodes.Const(value=int() | float() as number)):
                return nodes.Const(-number, lineno=node.lineno)
        raise expression_refused(node)

    def _const(self, node: nodes.Const) -> nodes.Expr:
        if node.value is None:
            raise refused("none", node.lineno, "none", "ask with `is defined`, or use default('…')")
        if isinstance(node.value, str) and any("\ud800" <= char <= "\udfff" for char in node.value):
            raise refused("half a character", node.lineno)
        return node

    def _name(self, node: nodes.Name) -> nodes.Expr:
        name, line = node.name, node.lineno
        if self._loop is not None and name in (self._loop[0], "loop"):
            known = LOOP_FIELDS if name == "loop" else self._entry_fields()
            example = _example(known)
            raise TemplateError(
                f"{name!r} is no text",
                line=line,
                name=name,
                hint=f"print a field: {name}.{example}",
            )
        if name in self.lists:
            hint = f"loop over it: {self._loop_hint(name)}"
            raise TemplateError(f"{name!r} is a list, not a text", line=line, name=name, hint=hint)
        if name in self.namespaces and name not in self.allowed:
            raise space_alone(name, self.namespaces, line)
        if name not in self.allowed or name in RESERVED:
            raise unknown_field(name, self.allowed, line)
        self.fields[name] = name
        return node

    def _is_taken(self, name: str) -> bool:
        return name in self.allowed or name in self.lists or name in self.namespaces

    def _attribute(self, node: nodes.Getattr) -> nodes.Expr:
        owner = node.node.name if isinstance(node.node, nodes.Name) else ""
        if owner in self.namespaces:
            if not is_inside(owner, node.attr, self.namespaces):
                raise unknown_name(owner, node.attr, self.namespaces, node.lineno)
            name = attribute(owner, node.attr)
            self.fields[name] = f"{owner}.{node.attr}"
            return nodes.Name(name, "load", lineno=node.lineno)
        if self._loop is None or owner not in (self._loop[0], "loop"):
            hint = did_you_mean(owner, self.namespaces) or (
                "only a loop's variable has fields: {% for item in items %}{{ item.sku }}"
            )
            raise refused(f"'.{node.attr}'", node.lineno, node.attr, hint)
        known = LOOP_FIELDS if owner == "loop" else self._entry_fields()
        if node.attr not in known:
            raise TemplateError(
                f"unknown field '{owner}.{node.attr}'",
                line=node.lineno,
                name=node.attr,
                hint=did_you_mean(node.attr, known, f"{owner} has {', '.join(sorted(known))}"),
            )
        if owner == "loop":
            return node
        self.entries[self._loop[1]].add(node.attr)
        label = f"{self._loop[1]}.{node.attr}"
        arguments = [const(node.attr), const(label)]
        return call("_field", node.node, arguments, node.lineno)

    def _test(self, node: nodes.Test, depth: int) -> nodes.Expr:
        if node.name != "defined" or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            hint = "write `is defined` or `is not defined`"
            raise refused(f"'is {node.name}'", node.lineno, node.name, hint)
        node.node = self._truth(node.node, depth)
        return node

    def _choice(self, node: nodes.CondExpr, depth: int) -> nodes.Expr:
        if node.expr2 is None:
            raise refused("an if without else within {{ }}", node.lineno, hint="add else '…'")
        node.test = self._truth(node.test, depth)
        node.expr1, node.expr2 = self._value(node.expr1, depth), self._value(node.expr2, depth)
        return node

    def _compare(self, node: nodes.Compare, depth: int) -> nodes.Expr:
        deeper(node, depth + len(node.ops))
        left = self._value(node.expr, depth)
        whole: nodes.Expr | None = None
        for operand in node.ops:
            right = self._operand(operand, depth)
            test = call(f"_{operand.op}", left, [right], node.lineno)
            whole = test if whole is None else nodes.And(whole, test, lineno=node.lineno)
            left = right
        assert whole is not None, "a comparison has an operator"
        return whole

    def _operand(self, operand: nodes.Operand, depth: int) -> nodes.Expr:
        choices = operand.expr
        if operand.op in ("in", "notin") and isinstance(choices, (nodes.List, nodes.Tuple)):
            items = [self._value(one, depth) for one in choices.items]
            return nodes.List(items, lineno=choices.lineno)
        return self._value(choices, depth)

    def _filter(self, node: nodes.Filter, depth: int) -> nodes.Expr:
        given, subject = bind(node), node.node
        label = self._label(node) or "text"
        if isinstance(subject, nodes.Name) and subject.name in self.lists:
            value = self._listed(node, subject, given)
            if "attribute" in given:
                label = f"{subject.name}.{given['attribute'].value}"  # type: ignore[attr-defined]
        else:
            if "attribute" in given:
                raise refused("'attribute' for a text", node.lineno, "attribute")
            assert subject is not None, "bind refuses a filter of nothing"
            value = self._value(subject, depth)
        return call(
            node.name,
            value,
            [const(label)],
            node.lineno,
            [nodes.Keyword(name, self._value(one, depth)) for name, one in given.items()],
        )

    def _listed(
        self, node: nodes.Filter, subject: nodes.Name, given: Mapping[str, nodes.Expr]
    ) -> nodes.Expr:
        """Check a filter of a list: `length`, or `join` of one field of every entry."""
        name, line = subject.name, node.lineno
        if not FILTERS[node.name].takes_list:
            raise refused(f"{node.name!r} of a list", line, node.name, self._loop_hint(name))
        if node.name == "join":
            attribute = given.get("attribute")
            known = self.lists[name]
            field = attribute.value if isinstance(attribute, nodes.Const) else ""
            if field not in known:
                hint = f"write join(', ', attribute='{_example(known)}')"
                hint = did_you_mean(field, known, hint) if field else hint
                raise TemplateError(
                    f"unknown field '{name}.{field}'" if field else f"join of {name} needs a field",
                    line=line,
                    name=field or name,
                    hint=hint,
                )
            self.entries[name].add(field)
        self.loops.add(name)
        return subject

    def _entry_fields(self) -> Collection[str]:
        return self.lists[self._loop[1]] if self._loop else ()

    def _list_names(self) -> str:
        return " or ".join(sorted(self.lists)) or "nothing here"

    def _loop_hint(self, name: str = "") -> str:
        chosen = name or min(self.lists, default="")
        if not chosen:
            return "this text has no lists"
        field = _example(self.lists[chosen])
        return f"{{% for one in {chosen} %}}{{{{ one.{field} }}}}{{% endfor %}}"

    def _label(self, node: nodes.Node) -> str:
        """Return the first field in an expression: what is missing when nothing is left of it."""
        while isinstance(node, nodes.Filter) and node.node is not None:
            node = node.node
        match node:
            case nodes.Name():
                return self.fields.get(node.name, node.name)
            case nodes.Getattr(node=nodes.Name(name=space)) if space in self.namespaces:
                return f"{space}.{node.attr}"
            case nodes.Getattr():
                return f"{self._loop[1] if self._loop else ''}.{node.attr}"
            case nodes.Concat():
                return next(filter(None, map(self._label, node.nodes)), "")
        return ""


def _example(fields: Collection[str]) -> str:
    """Return a field that people know, for a hint."""
    return next(
        (one for one in ("sku", "do_number") if one in fields), min(fields, default="field")
    )
