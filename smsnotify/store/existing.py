"""What is stored so far, for dry runs: nothing is loaded to find out that there is nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smsnotify.store.store import Store

_PLAIN_FILE: Final = re.compile(r"sqlite:///((?:[A-Za-z]:)?[^:?%#]+)")


def stored_so_far(url: str) -> Store | None:
    """Open the database if something may be stored there, as `open.open_existing` does.

    A plain file that is missing or empty is known without loading a database library, which takes
    longer than to decide about ten thousand events.

    Raises:
        StoreError: as `open.open_existing`.
    """
    plain = _PLAIN_FILE.fullmatch(url)
    if plain is not None and _is_blank(Path(plain[1])):
        return None
    from smsnotify.store.open import open_existing

    return open_existing(url)


def _is_blank(path: Path) -> bool:
    try:
        return not path.exists() or (path.is_file() and path.stat().st_size == 0)
    except OSError:
        return False  # whoever opens it says what is wrong
