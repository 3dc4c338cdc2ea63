"""A worker that is killed at a point of its release: `digest_killed.py URL FOLDER WHERE`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from digest_desk import NOW, DigestDesk

from smsnotify.engine import release
from smsnotify.store import held
from smsnotify.store.open import open_store

if __name__ == "__main__":
    url, folder, where = sys.argv[1:]

    def die(*_: Any) -> Any:
        os._exit(9)  # as SIGKILL: nothing is closed, nothing rolled back by us

    release.AT_ONCE = 1  # the windows of one portion are a transaction
    if where == "while it is written":
        held.announce = die  # type: ignore[attr-defined]
    else:
        charges, asked = release._charges, count()
        release._charges = lambda *given: die() if next(asked) else charges(*given)
    with open_store(url) as store:
        desk = DigestDesk(store, Path(folder), NOW + timedelta(minutes=10))
        desk.release()
