"""What the providers can do, and how their codes are read."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

from generators.tables import code, table
from smsnotify.model.message import Result
from smsnotify.providers import eight_x_eight_codes, twilio_codes
from smsnotify.providers.registry import load_provider, provider_names

_COMMENTED = re.compile(r'"(\w+)": .*?#\s*(.+)$')
_RESULTS = {Result.REJECTED: "refused", Result.RETRY: "tried again", Result.UNKNOWN: "maybe sent"}


def matrix() -> str:
    """Return what each provider can do."""
    rows: list[tuple[str, ...]] = []
    for name in provider_names():
        provider = load_provider(name)
        able = provider.capabilities
        rows.append(
            (
                f"[{provider.title}]({name}.md)",
                code(name),
                able.channel,
                str(able.batch),
                _yes(able.receipts),
                _yes(able.inbound),
                _lookup(able),
                "signature" if able.signed_webhooks else _yes(able.receipts) and "token",
                str(able.max_segments),
                str(able.max_characters or ""),
            )
        )
    columns = (
        "provider",
        "`provider =`",
        "channel",
        "texts a request",
        "receipts",
        "replies",
        "can be asked about a text",
        "webhooks are proved by",
        "most segments",
        "most characters",
    )
    return table(columns, rows)


def _yes(able: bool) -> str:
    return "yes" if able else ""


def _lookup(able: Any) -> str:
    if able.lookup_by_recipient:
        return "by its id, and by the recipient"
    return "by its id" if able.lookup_by_id else ""


def request_codes(name: str) -> str:
    """Return the codes of a refused send and what they come to."""
    module = _module(name)
    meanings = _meanings(module, "REQUEST_CODES")
    rows = [
        (code(raw), meanings.get(raw, ""), code(word.value), _RESULTS[result])
        for raw, (result, word) in module.REQUEST_CODES.items()
    ]
    return table(("code", "means", "our word", "the text is"), rows)


def receipt_codes(name: str) -> str:
    """Return the error codes of receipts and what they come to."""
    module = _module(name)
    meanings = _meanings(module, "RECEIPT_CODES")
    rows = []
    for raw, read in module.RECEIPT_CODES.items():
        word, passing = read if isinstance(read, tuple) else (read, _is_passing(module, raw))
        rows.append((code(raw), meanings.get(raw, ""), code(word.value), _yes(passing)))
    return table(("code", "means", "our word", "may pass by itself"), rows)


def _module(name: str) -> Any:
    return {"8x8": eight_x_eight_codes, "twilio": twilio_codes}[name]


def _is_passing(module: Any, raw: str) -> bool:
    return raw in module.TRANSIENT_RECEIPT_CODES


def _meanings(module: ModuleType, table_name: str) -> dict[str, str]:
    """Read the comments that stand behind the entries of a table of codes."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    block = source.split(f"{table_name}: Final", 1)[1].split("\n}", 1)[0]
    found = (_COMMENTED.search(line) for line in block.splitlines())
    return {match[1]: match[2] for match in found if match}
