"""Characters that no database text can hold: U+0000 and lone surrogates.

They come from broken exports, are rare, and must neither lose a line nor hide a duplicate: they
are stored, and asked for, as U+FFFD.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from smsnotify.model.decision import Decision, MessageKey
from smsnotify.store.batch import Batch, EventRow, JobRow

_UNSTORABLE: Final = "\0"


def is_storable(written: Iterable[str]) -> bool:
    """Return True when every text can be stored and asked for as it is."""
    joined = "".join(written)
    return _UNSTORABLE not in joined and _is_unicode(joined)


def _is_unicode(written: str) -> bool:
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return True


def texts_of(batch: Batch) -> Iterator[str]:
    """Give what look-ups go by, and the other texts that come from the input."""
    for row in batch.jobs:
        yield row.subject
        yield from row.names
    for event in batch.events:
        yield event.event_id
    for decision in batch.decisions:
        yield from decision.draft.key
        yield decision.detail
    for message in batch.messages.values():
        yield message.body
        yield message.title
        yield message.markup
        yield message.job


def storable_batch(batch: Batch) -> tuple[Batch, dict[MessageKey, MessageKey]]:
    """Return the batch with what no database text can hold replaced, and the keys' old forms."""
    old = {storable_key(key): key for key in batch.messages}
    return (
        Batch(
            jobs=[
                JobRow(
                    storable(row.subject),
                    tuple(map(storable, row.names)),
                    _clean(row.state),
                    _clean(row.job),
                    row.snapshot,
                )
                for row in batch.jobs
            ],
            events=[
                EventRow(storable(row.subject), row.name, storable(row.event_id), row.time, row.raw)
                for row in batch.events
            ],
            decisions=[_clean_decision(decision) for decision in batch.decisions],
            messages={
                storable_key(key): _clean(message) for key, message in batch.messages.items()
            },
            at=batch.at,
            replaces=batch.replaces,
            links=batch.links,
            tracked=batch.tracked,
            waiting={storable_key(key): one for key, one in batch.waiting.items()},
            charges={storable_key(key): charges for key, charges in batch.charges.items()},
        ),
        old,
    )


def storable(written: str) -> str:
    """Replace what a text column cannot hold: U+0000 and lone surrogates."""
    return written.encode("utf-8", "replace").decode().replace(_UNSTORABLE, "\ufffd")


def storable_key(key: MessageKey) -> MessageKey:
    """Return the key as it is stored."""
    return MessageKey(*map(storable, key))


def _clean(value: Any) -> Any:
    changed = {
        name: storable(held)
        for name in value.__struct_fields__
        if type(held := getattr(value, name)) is str
    }
    return msgspec.structs.replace(value, **changed)


def _clean_decision(decision: Decision) -> Decision:
    draft = decision.draft
    event = msgspec.structs.replace(_clean(draft.event), job=_clean(draft.event.job))
    key = storable_key(draft.key)
    clean: Decision = _clean(decision)
    return msgspec.structs.replace(
        clean, draft=msgspec.structs.replace(_clean(draft), event=event, key=key)
    )
