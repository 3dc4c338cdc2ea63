"""The keyed hash that stands for a recipient in keys and consents."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 16


class RecipientHash:
    """Turns a recipient into 16 bytes that nobody can turn back without the database's secret.

    The secret lies in the database, so that every machine and every restored backup agrees.
    """

    def __init__(self, secret: bytes) -> None:
        """`secret` has up to 64 bytes."""
        self._keyed = blake2b(key=secret, digest_size=HASH_BYTES)

    def __call__(self, recipient: str) -> bytes:
        """Return the hash of an E.164 number or an address."""
        hashing = self._keyed.copy()
        hashing.update(recipient.encode("utf-8", "replace"))
        return hashing.digest()
