"""Jobs as the books have them, read as today's rules want them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from smsnotify.gates.begun import OVER, job_word
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.store.batch import StoredJob

log = logging.getLogger(__name__)

ReadJob = Callable[[StoredJob | None], Job | None]


def snapshot_reader(job_type: type[Job]) -> ReadJob:
    """Return what reads a stored job.

    None for a job that is not there, whose snapshot was pruned, or that cannot be read any more:
    when it came, no rule asked for a field that is no plain value in it; now one does.
    """
    decode = msgspec.json.Decoder(job_type).decode

    def read(stored: StoredJob | None) -> Job | None:
        if stored is None or not stored.snapshot:
            return None
        try:
            return decode(stored.snapshot)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.info(
                "the stored job %s cannot be read by today's rules: %s",
                stored.subject,
                error,
                extra={"subject": stored.subject},
            )
            return None

    return read


def closed_as_told(job: Job, state: JobState) -> Job:
    """Return the job as what waits has to see it: closed when an event by name has closed it.

    `{"event": "deleted", "job": …}` mostly comes with the job as it was before.
    """
    if state.phase in OVER and job_word(job) not in OVER:
        return msgspec.structs.replace(job, status=state.phase)
    return job
