"""What a command works with: settings, rules and the books, each made when first asked for."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from smsnotify.base.clock import Clock, system_clock
from smsnotify.base.printable import printable

LazyStore = Any
LazySettings = Any
LazyRules = Any
LazyPlans = Any
LazyBook = Any


class Desk:
    """One run of one command.

    The options that work everywhere are noted here; settings, store and rules are made from them
    on first use, so that a command pays for what it touches. The three are typed loosely because
    their modules are not imported before that.
    """

    def __init__(self) -> None:
        """Start with no option given."""
        self.config: Path | None = None
        self.rules_option: tuple[Path, ...] = ()
        self.database = ""
        self.json = False
        self.quiet = False
        self.verbosity = 0
        self.clock: Clock = system_clock
        self._began = False
        self._store: LazyStore = None

    def note_option(self, name: str, value: Any) -> None:
        """Keep the value of a global option; the last one said wins."""
        if name == "config":
            self.config = value
        elif name == "rules":
            self.rules_option = tuple(value)
        elif name == "database":
            self.database = value
        elif name == "json":
            self.json = True
        elif name == "quiet":
            self.quiet = True
        elif name == "verbose":
            self.verbosity += value

    def begin(self) -> bool:
        """Set up the log when a command really runs; True the first time."""
        if self._began:
            return False
        self._began = True
        gc.freeze()  # what start-up made stays: no collection need look at it again
        gc.set_threshold(20_000, 20, 20)  # imports and batches make many objects that live on
        gc.enable()
        from smsnotify.cli.logs import start_logging

        start_logging(quiet=self.quiet, verbosity=self.verbosity)
        return True

    @cached_property
    def settings(self) -> LazySettings:
        """The `wiring.models.Settings` that count here, `--database` applied.

        What is doubtful in them is told on a terminal only: cron would mail it every minute.

        Raises:
            ConfigError: they are missing where they were said to be, or wrong.
        """
        from smsnotify.wiring.problems import as_error
        from smsnotify.wiring.settings import check_settings, with_database

        settings, problems = check_settings(self.config)
        if settings is None:
            raise as_error(problems)
        if sys.stderr.isatty():
            for problem in problems:
                self.note(f"warning: {problem}")
        return with_database(settings, self.database) if self.database else settings

    @property
    def has_settings(self) -> bool:
        """Whether there is a settings file; without one the built-in settings count.

        Raises:
            ConfigError: a file was named that is not there.
        """
        from smsnotify.wiring.find import find_settings

        return find_settings(self.config) is not None

    @property
    def country(self) -> str:
        """The country that national numbers are read by, `''` when none is set."""
        return self.settings.country if self.has_settings else ""

    @cached_property
    def rule_paths(self) -> tuple[Path, ...]:
        """The rule files and folders: `--rules`, else the settings'."""
        if self.rules_option:
            return self.rules_option
        if not self.has_settings:
            return (Path.cwd() / "rules.yaml",)
        settings = self.settings
        return tuple(settings.folder / Path(written).expanduser() for written in settings.rules)

    @property
    def rules(self) -> LazyRules:
        """The compiled `rules.compile.RuleSet`.

        Raises:
            RuleFileError: something in the rule files is wrong; it lists every problem.
        """
        return self.book.rules

    @property
    def plans(self) -> LazyPlans:
        """The compiled `plans.book.PlanSet`.

        Raises:
            RuleFileError: something in the rule files is wrong; it lists every problem.
        """
        return self.book.plans

    @cached_property
    def book(self) -> LazyBook:
        """The `plans.book.Book` of the rule files: rules and plans.

        Raises:
            RuleFileError: something in the rule files is wrong; it lists every problem.
        """
        from smsnotify.plans.load import load_book

        return load_book(self.rule_paths, self.country, self.own_words)

    @property
    def own_words(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The settings' own words of STOP, START and HELP, by language and family."""
        if not self.has_settings:
            return {}
        return {name: one.model_dump() for name, one in self.settings.keywords.items()}

    @property
    def store(self) -> LazyStore:
        """The open `store.store.Store`; closed with the desk.

        Raises:
            StoreError: the database cannot be reached, or is of another version.
        """
        if self._store is None:
            from smsnotify.wiring.books import open_books

            self._store = open_books(self.settings)
        return self._store

    @cached_property
    def existing_store(self) -> LazyStore:
        """The open `Store`, None while nothing was ever stored: looking makes no database.

        Raises:
            StoreError: the database cannot be reached, or is of another version.
        """
        if self._store is None:
            from smsnotify.wiring.books import open_existing_books

            self._store = open_existing_books(self.settings)
        return self._store

    def note(self, text: str) -> None:
        """Say something beside the results, on stderr, unless the user wants it quiet."""
        if not self.quiet:
            print(printable(text), file=sys.stderr)  # noqa: T201  # the one door for asides

    def warn(self, text: str) -> None:
        """Say on stderr what somebody has to look at; `--quiet` is no reason not to."""
        print(printable(text), file=sys.stderr)  # noqa: T201  # as above

    def close(self) -> None:
        """Close the books if they were opened."""
        if self._store is not None:
            self._store.close()
            self._store = None
