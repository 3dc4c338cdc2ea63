"""A dictionary whose values lie in a temporary file: its memory does not grow with its size.

A record is appended to the file; a table of fixed size leads from a key's hash to the newest
record of that hash, and every record knows the one before it. A key whose hash nobody had costs
one look into memory and none into the file.
"""

from __future__ import annotations

import os
import struct
import tempfile
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import IO, Any, Final, Generic, TypeVar

import msgspec

from smsnotify.base.errors import StoreUnavailableError

K = TypeVar("K", bound=Hashable)

SLOTS = 1 << 22
"""Places in the table of every new Spill: a power of two."""

_HEADER: Final = struct.Struct("<IQ")  # the length of the body, the place of the one before
_WINDOW: Final = 512
_IN_MEMORY: Final = 1 << 20
_FIRST: Final = [_HEADER.pack(length, 0) for length in range(_WINDOW)]  # a third of packing one
_FITS_SMALL: Final = (1 << 32) - (1 << 29)


class Spill(Generic[K]):
    """Keeps the newest record of each key in 17 MiB, however many there are.

    A record is a tuple of up to fifteen items that begins with its key. The file has no name and
    goes away by itself.
    Beyond 3.5 GiB of records the table doubles, once.
    """

    def __init__(self, record: Any, *, fits_small: int = _FITS_SMALL) -> None:
        """`record` is the type of a record, for instance `tuple[str, int]`."""
        self._decode = msgspec.msgpack.Decoder(record).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._heads = array("I", bytes(4 * SLOTS))
        self._mask = SLOTS - 1
        self._fits_small = fits_small
        self._file: IO[bytes] | None = None
        self._written = 0
        # Place 0 means "none", so the first record starts after one byte of padding.
        self._tail = bytearray(b"\0")

    def maybe(self, keys: Iterable[K]) -> list[K]:
        """Return the keys that may have been put: all that were, and few others."""
        heads, mask = self._heads, self._mask
        return [key for key in keys if heads[hash(key) & mask]]

    def put(self, records: Sequence[tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], int]]:
        """Keep records, the first item of each being its key; a later one of a key wins.

        Return those that met others in their slot, maybe of their own key, each with what
        `before` needs to find that one.

        Raises:
            StoreUnavailableError: the temporary folder is full.
        """
        at = self._written + len(self._tail)
        if at > self._fits_small and self._heads.typecode == "I":
            self._heads = array("Q", self._heads)
        heads, mask = self._heads, self._mask
        pack, header_size = _HEADER.pack, _HEADER.size
        parts: list[bytes] = []
        add, met = parts.append, []
        for record, body in zip(records, map(self._encode, records), strict=True):
            slot = hash(record[0]) & mask
            before = heads[slot]
            length = len(body)
            if before:
                met.append((record, before))
                add(pack(length, before))
            else:
                add(_FIRST[length] if length < _WINDOW else pack(length, 0))
            heads[slot] = at
            at += length + header_size
            add(body)
        self._tail += b"".join(parts)
        if len(self._tail) > _IN_MEMORY:
            self._flush()
        return met

    def before(self, key: K, place: int) -> Any:
        """Return the record that a key had when `put` met `place`, None when it had none."""
        return self._search(key, place)

    def get(self, keys: Sequence[K]) -> dict[K, Any]:
        """Return the newest record of every key that has one."""
        heads, mask = self._heads, self._mask
        found: dict[K, Any] = {}
        for key in keys:
            record = self._search(key, heads[hash(key) & mask])
            if record is not None:
                found[key] = record
        return found

    def every(self, keys: Iterable[K]) -> dict[K, list[Any]]:
        """Return all records of every key that has some, oldest first."""
        heads, mask = self._heads, self._mask
        found: dict[K, list[Any]] = {}
        for key in keys:
            encoded, at = self._encode(key), heads[hash(key) & mask]
            records = []
            while at:
                at, body = self._read(at)
                if body.startswith(encoded, 1):
                    records.append(self._decode(body))
            if records:
                found[key] = records[::-1]
        return found

    def records(self) -> Iterator[Any]:
        """Give every record ever put, oldest first, those that were replaced too."""
        at, end = 1, self._written + len(self._tail)
        while at < end:
            _, body = self._read(at)
            yield self._decode(body)
            at += len(body) + _HEADER.size

    def close(self) -> None:
        """Drop the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _search(self, key: K, at: int) -> Any:
        if not at:
            return None
        # A record is an array of few items, which is one byte, and then its key: that much is
        # compared as bytes, since records of other keys are not worth decoding.
        encoded = self._encode(key)
        while at:
            at, body = self._read(at)
            if body.startswith(encoded, 1):
                return self._decode(body)
        return None

    def _read(self, at: int) -> tuple[int, bytes]:
        if at >= self._written:
            length, before = _HEADER.unpack_from(self._tail, at - self._written)
            start = at - self._written + _HEADER.size
            return before, bytes(self._tail[start : start + length])
        window = self._bytes(at, _WINDOW)
        length, before = _HEADER.unpack_from(window)
        end = _HEADER.size + length
        if end > len(window):
            window = self._bytes(at, end)
        return before, window[_HEADER.size : end]

    def _bytes(self, at: int, size: int) -> bytes:
        assert self._file is not None
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), size, at)
        self._file.seek(at)
        return self._file.read(size)

    def _flush(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives with us
            self._file.seek(self._written)
            view = memoryview(self._tail)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise StoreUnavailableError(
                f"the temporary folder {tempfile.gettempdir()} cannot be written: "
                f"{error.strerror or error}",
                hint="free some space, or let TMPDIR name another folder",
            ) from None
        self._written += len(self._tail)
        self._tail = bytearray()
