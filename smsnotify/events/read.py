"""Files and standard input to chunks of lines, one event or batch a line, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from smsnotify.base.errors import InputError
from smsnotify.events.blocks import Blocks, read_blocks, title
from smsnotify.events.csv_rows import csv_lines
from smsnotify.events.entries import LineSplitter, ValueSplitter
from smsnotify.events.follow import follow_lines
from smsnotify.events.kinds import Kind, kind_of

TO_STORE: Final = 2000
"""Lines in a chunk that is stored: a commit costs the same for few and for many."""

TO_LOOK_AT: Final = 128
"""Lines in a chunk that nothing is stored of: so many stay in the processor's cache, and that is
worth a quarter of the time."""

_MAX_CHUNK_BYTES: Final = 1 << 23


class Chunk(NamedTuple):
    """Consecutive lines without their ends; `first` is the number of `lines[0]`, from 1.

    In JSON that is one array or laid out over lines, the numbers count the values; in CSV they
    count the rows, the headings being 1. Blank lines stay in as `b''`. A line over 1 MiB is cut
    to one byte more than that.
    """

    first: int
    lines: list[bytes]


def read_chunks(
    source: str,
    *,
    size: int = TO_STORE,
    follow: bool = False,
    ends: bool = False,
    stdin: BinaryIO | None = None,
    wait: Callable[[], bool] | None = None,
    on_read: Callable[[int], object] | None = None,
) -> Iterator[Chunk]:
    """Give the lines of a source in chunks of at most `size` lines (fewer when they are long).

    `source` is a path, or `-` for standard input (`stdin` stands in for it). It may hold one
    event a line, one JSON array, JSON laid out over several lines, or CSV; packed with gzip or
    zstd; with a BOM, in UTF-8 or UTF-16. An empty file gives no chunk. `on_read` hears how many
    bytes were read, before unpacking.

    With `follow` the source is read by lines as they are written, without an end: a file from its
    start, again when it is cut short or replaced by a new one (whose lines count from 1). `wait`
    is called when there is nothing new, and says whether to go on; the usual one sleeps.

    With `ends` lines may keep theirs, which saves a copy of each; a decoder does not mind.

    Raises:
        InputError: the source cannot be opened, read, unpacked or split into rows; everything
            before that was given.
    """
    if follow:
        for first, lines in follow_lines(source, stdin, wait, on_read):
            for start in range(0, len(lines), size):
                yield Chunk(first + start, lines[start : start + size])
        return
    stream = stdin if source == "-" else None
    kind, blocks = _sniffed(read_blocks(source, stream, on_read), source)
    if kind is Kind.CSV:
        rows = csv_lines(_each(_groups(LineSplitter(), blocks)), title(source))
        yield from _chunks(([row] for row in rows), size, first=2)
    else:
        splitter = LineSplitter(ends=ends) if kind is Kind.LINES else ValueSplitter()
        yield from _chunks(_groups(splitter, blocks), size)


def _sniffed(blocks: Blocks, source: str) -> tuple[Kind, Blocks]:
    head = b""
    for block in blocks:
        head += block
        kind = kind_of(head, source, False)
        if kind is not None:
            return kind, _chain(head, blocks)
    return kind_of(head, source, True) or Kind.LINES, _chain(head, blocks)


def _chain(head: bytes, blocks: Blocks) -> Blocks:
    if head:
        yield head
    yield from blocks


def _groups(splitter: LineSplitter | ValueSplitter, blocks: Blocks) -> Iterator[list[bytes]]:
    try:
        for block in blocks:
            yield splitter.feed(block)
    except InputError:
        yield splitter.finish()
        raise
    yield splitter.finish()


def _each(groups: Iterable[list[bytes]]) -> Iterator[bytes]:
    for group in groups:
        yield from group


def _chunks(groups: Iterable[list[bytes]], size: int, first: int = 1) -> Iterator[Chunk]:
    """Gather groups of lines into chunks; what came before an error is given before it."""
    pending: list[bytes] = []
    weight = 0
    broken: InputError | None = None
    source = iter(groups)
    while True:
        try:
            group = next(source, None)
        except InputError as error:
            group, broken = None, error
        if group is None:
            break
        pending += group
        weight += sum(map(len, group))
        if len(pending) < size and weight < _MAX_CHUNK_BYTES:
            continue
        full = len(pending) - len(pending) % size if len(pending) >= size else len(pending)
        for start in range(0, full, size):
            yield Chunk(first + start, pending[start : min(start + size, full)])
        first += full
        pending = pending[full:]
        weight = sum(map(len, pending))
    if pending:
        yield Chunk(first, pending)
    if broken is not None:
        raise broken
