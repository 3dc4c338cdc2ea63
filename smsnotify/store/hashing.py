"""The keyed hash that stands for a recipient in keys and consents."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 16
TOKEN_LENGTH: Final = 22
"""Characters of a token: 128 bits in letters and digits, so that no phone cuts a link short."""

NO_TOKEN: Final = "0" * TOKEN_LENGTH
"""What stands for a token where there is no database, and so no secret."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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

    def token(self, kind: str, recipient: str) -> str:
        """Return the token of a recipient's own page of a kind: nobody can guess another's."""
        number = int.from_bytes(self(f"page {kind} {recipient}"))
        digits = []
        for _ in range(TOKEN_LENGTH):
            number, rest = divmod(number, len(_ALPHABET))
            digits.append(_ALPHABET[rest])
        return "".join(reversed(digits))
