"""Templates that need Jinja2: parsed, checked against the allow-list, rendered in its sandbox.

Loaded for a rule file that has such a template, and not otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from smsnotify.base.errors import TemplateError
from smsnotify.text.languages import ENGLISH
from smsnotify.text.template_check import Checker
from smsnotify.text.template_errors import unreadable
from smsnotify.text.template_filters import FILTERS, INTERNAL
from smsnotify.text.template_namespaces import NO_NAMESPACES, Namespaces
from smsnotify.text.template_values import Missing, as_text, present
from smsnotify.text.template_values import entries as entries_of

Escape = Callable[[str], str]
"""What is done to everything that a template prints, save its own words."""


class Compiled(NamedTuple):
    """What a template reads, what makes the function that renders it, and whether the language
    makes a difference to it."""

    fields: frozenset[str]
    loops: frozenset[str]
    entries: Mapping[str, frozenset[str]]
    make: Callable[[], Callable[[object], str]]
    speaks: bool


@cache
def _environment(escape: Escape | None = None, language: str = ENGLISH) -> SandboxedEnvironment:
    # A text is no HTML, so nothing is escaped unless somebody asks for it, and never as HTML.
    # The caller has already dropped the last line end.
    printed = as_text if escape is None else lambda value: escape(as_text(value))
    made = SandboxedEnvironment(
        autoescape=False, finalize=printed, keep_trailing_newline=True, cache_size=0
    )
    made.globals = {}
    made.filters = {
        name: partial(spec.apply, language=language) if spec.speaks else spec.apply
        for name, spec in FILTERS.items()
    } | INTERNAL
    made.tests = {"defined": lambda value: not isinstance(value, Missing)}
    return made


def compile_jinja(
    source: str,
    fields: frozenset[str],
    lists: Mapping[str, Collection[str]],
    namespaces: Namespaces = NO_NAMESPACES,
    escape: Escape | None = None,
    language: str = ENGLISH,
) -> Compiled:
    """Check a template; `make` then gives the function that renders it.

    `escape` is done to what the template prints, not to its own words.

    Raises:
        TemplateError: it cannot be read, or says something that is not allowed.
    """
    tree = _parse(source)
    checker = Checker(fields, lists, namespaces)
    filters = list(tree.find_all(nodes.Filter))
    checker.check(tree)
    read, loops = frozenset(checker.fields), frozenset(checker.loops)
    entries = {name: frozenset(found) for name, found in checker.entries.items()}
    speaks = any(FILTERS[one.name].speaks for one in filters)
    environment = _environment(escape, language)

    def make() -> Callable[[object], str]:
        return _renderer(tree, checker.fields, loops, environment)

    return Compiled(read, loops, entries, make, speaks)


def _parse(source: str) -> nodes.Template:
    try:
        return _environment().parse(source)
    except TemplateSyntaxError as error:
        raise unreadable(source, str(error.message), error.lineno) from None
    except RecursionError:
        raise TemplateError(
            "the template is nested too deeply", hint="leave out brackets, or split it"
        ) from None
    except ValueError:  # what `int` says to thousands of digits
        raise TemplateError("a number in the template is too long", hint="shorten it") from None


def _renderer(
    tree: nodes.Template,
    fields: Mapping[str, str],
    loops: frozenset[str],
    environment: SandboxedEnvironment,
) -> Callable[[object], str]:
    tree.set_environment(environment)
    template = environment.from_string(tree)
    start, context = template.root_render_func, template.new_context
    names, lists = sorted(fields.items()), sorted(loops)

    def render(job: object) -> str:
        values = {name: present(getattr(job, name, None), label) for name, label in names}
        for name in lists:
            values[name] = entries_of(getattr(job, name, None), name)
        return "".join(start(context(values)))

    return render
