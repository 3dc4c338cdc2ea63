"""The example file that the demo runs: every format in it, and one broken line."""

from __future__ import annotations

import json
from pathlib import Path

from smsnotify.base.errors import EventError
from smsnotify.events.decode import Decoder
from smsnotify.events.derive import job_names
from smsnotify.events.read import read_chunks
from smsnotify.model.job import JOB_FIELDS

EXAMPLE = Path(__file__).parents[2] / "examples" / "events.jsonl"
LINES = [line for chunk in read_chunks(str(EXAMPLE)) for line in chunk.lines]


def test_every_example_line_but_one_can_be_read() -> None:
    decoder = Decoder(custom_events=["cold_chain_broken"])
    refused = []
    for line in LINES:
        try:
            assert all(job_names(parsed.job) for parsed in decoder.decode(line))
        except EventError as error:
            refused.append(error.reason)
    assert refused == ["not_json"]


def test_example_has_every_format() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for sign in ('{"event":', '"specversion":', "json=%", '{"json":', '{"data":', '"do":', "\n["):
        assert sign in text


def test_example_uses_detracks_field_names() -> None:
    jobs = [json.loads(line) for line in LINES if line.startswith(b'{"id"')]
    assert len(jobs) >= 5
    assert {name for job in jobs for name in job} <= set(JOB_FIELDS)
