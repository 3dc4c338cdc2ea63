"""Settings and rules as one whole that can be read again while the program runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from smsnotify.base.errors import ConfigError
from smsnotify.engine.accounts import Account
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.inbox import hook_accounts
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.plans.book import Book
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import refusal
from smsnotify.wiring import build
from smsnotify.wiring.conversations import conversation_terms
from smsnotify.wiring.crosscheck import check_secrets, secrets_in
from smsnotify.wiring.link_check import check_links
from smsnotify.wiring.models import Settings
from smsnotify.wiring.problems import Findings, as_error
from smsnotify.wiring.settings import load_settings, with_database

Stamps = tuple[tuple[str, int, int, int], ...]
"""Of every file its path, time of change, size and inode; zeros for one that is not there."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where settings and rules come from, as the command line says it; paths are absolute.

    `config` None: the built-in settings. No `rules`: those that the settings name.
    """

    config: Path | None = None
    rules: tuple[Path, ...] = ()
    database: str = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings and rules that passed every check, and what is made of them."""

    settings: Settings
    book: Book
    policy: Policy
    hooks: Mapping[str, Account]
    talk: ConversationTerms

    @property
    def rules(self) -> RuleSet:
        """The rules alone."""
        return self.book.rules


def read_settings(sources: Sources) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: they are not there, or wrong.
    """
    if sources.config is None:
        settings = Settings().place(None, Path.cwd())
    else:
        settings = load_settings(sources.config)
    return with_database(settings, sources.database) if sources.database else settings


def load(settings: Settings, sources: Sources) -> Loaded:
    """Read the rules and make everything anew, accounts with their secrets too.

    Raises:
        RuleFileError: with every problem of the rules.
        ConfigError: a secret cannot be read (in a sandbox none is needed).
    """
    book = build.load_book(settings, sources.rules)
    unreachable = list(check_links(book, settings.public_url))
    if unreachable:
        raise refusal(unreachable)
    if settings.mode is not Mode.SANDBOX:
        findings = Findings(settings.file)
        check_secrets(settings, findings)
        if findings.failed:
            raise as_error(findings.problems)
    return Loaded(
        settings=settings,
        book=book,
        policy=build.policy(settings),
        hooks=hook_accounts(build.real_accounts(settings)),
        talk=conversation_terms(settings),
    )


def check_swap(old: Settings, new: Settings) -> None:
    """Make sure that new settings may take the place of old ones in a running process.

    Raises:
        ConfigError: they name another database.
    """
    if old.database != new.database:
        raise ConfigError(
            "the database cannot be changed in a running process",
            hint="restart sms-notify serve",
        )


def settings_files(settings: Settings) -> list[Path]:
    """Return the files that the settings are made of: their own, and those with secrets."""
    own = [settings.file] if settings.file is not None else []
    return own + [secret.file for _, secret in secrets_in(settings) if secret.file is not None]


def rule_files(settings: Settings, sources: Sources) -> list[Path]:
    """Return the rule files, those in folders too."""
    files: list[Path] = []
    for path in sources.rules or build.rule_paths(settings):
        if path.is_dir():
            files += sorted(one for one in path.iterdir() if one.suffix in (".yaml", ".yml"))
        else:
            files.append(path)
    return files


def stamps(files: Iterable[Path]) -> Stamps:
    """Return what shows that one of these files was changed, made or removed."""
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[str, int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), found.st_mtime_ns, found.st_size, found.st_ino
