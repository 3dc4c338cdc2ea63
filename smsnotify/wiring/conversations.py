"""Conversations, made from the settings. Apart from `build`: a database library comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smsnotify.engine.accounts import DEFAULT_ROUTE
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.conversing_terms import CONVERSATION_ROUTE, ConversationTerms
from smsnotify.engine.errands import Hands
from smsnotify.model.decision import Mode
from smsnotify.plans.book import Book
from smsnotify.plans.consent_words import USUAL_WORDS, ConsentWords
from smsnotify.store.store import Store
from smsnotify.wiring import build
from smsnotify.wiring.models import Settings


def conversation_terms(settings: Settings) -> ConversationTerms:
    """Return the settings that lead conversations."""
    answers = settings.conversation.answers
    routes = build.real_routes(settings)
    return ConversationTerms(
        words=ConsentWords(build.own_words(settings)) if settings.keywords else USUAL_WORDS,
        route=CONVERSATION_ROUTE if CONVERSATION_ROUTE in routes else DEFAULT_ROUTE,
        own_numbers=frozenset(_own_numbers(settings)),
        staff=settings.staff,
        twiml_accounts=frozenset(_twiml_accounts(settings)),
        most_a_minute=settings.conversation.most_a_minute,
        answers={
            word: text
            for word in type(answers).model_fields
            if (text := getattr(answers, word)) is not None
        },
    )


def _own_numbers(settings: Settings) -> Iterator[str]:
    """Yield the numbers that we send from."""
    for account in settings.accounts.values():
        for sender in (account.sender, *account.senders.values()):
            if sender and sender.startswith("+"):
                yield sender


def _twiml_accounts(settings: Settings) -> Iterator[str]:
    """Yield the accounts that answer in the provider's call; in live mode: elsewhere nobody is."""
    if settings.mode is Mode.LIVE:
        for name, account in settings.accounts.items():
            if getattr(account, "reply_with", "") == "twiml":
                yield name


def desk(settings: Settings, store: Store, book: Book) -> Desk:
    """Return what works conversations, with the old versions of plans that people are on."""
    if not book.plans.knows_old:
        book.plans.remember(store.plan_contents())
    return Desk(store, book, build.policy(settings), conversation_terms(settings))


def hands(settings: Settings) -> Hands:
    """Return what errands of plans need."""
    conversation = settings.conversation
    return Hands(
        action_file=settings.folder / Path(conversation.action_file).expanduser(),
        webhook_secret=conversation.webhook_secret,
    )
