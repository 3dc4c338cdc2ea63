"""Settings as they may be shown: no secret in them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from smsnotify.base.durations import format_duration
from smsnotify.base.secrets import Secret
from smsnotify.wiring.models import NO_GUARD, Settings
from smsnotify.wiring.values import Limits

_PASSWORD: Final = re.compile(r"(\w+://[^:/@\s]*):[^@\s]+@")
_IN_QUERY: Final = re.compile(r"([?&]\w*(?:password|secret|token)=)[^&\s]+", re.IGNORECASE)


def shown(settings: Settings) -> dict[str, Any]:
    """Return every setting with a value as plain data; a secret shows only where it is."""
    told = {
        key: _plain(getattr(settings, key))
        for key in type(settings).model_fields
        if getattr(settings, key) not in (None, "", (), {})
    }
    if settings.volume_guard == NO_GUARD:
        told["volume_guard"] = False
    told["prices"] = {"currency": settings.prices.currency} | _plain(dict(settings.prices.amounts))
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        if value.is_plain:
            return "***"
        kind, _, where = value.describe().partition(" ")
        return {kind: where}
    if isinstance(value, BaseModel):
        fields = {key: _plain(getattr(value, key)) for key in type(value).model_fields}
        return {key: field for key, field in fields.items() if field not in (None, "", [], {})}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Limits):
        limits = {key: _plain(one) for key, one in value._asdict().items() if one is not None}
        return limits["hard"] if limits.keys() == {"hard"} else limits
    if isinstance(value, (list, tuple, frozenset)):
        items = [_plain(item) for item in value]
        return [item[0] if isinstance(item, list) and len(item) == 1 else item for item in items]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, str):
        return _IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", str(value)))
    return value
