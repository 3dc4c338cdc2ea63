"""What a rule's text and conditions read where they ask for the recipient too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from smsnotify.model.contact import Contact
from smsnotify.model.job import Job

OPT_OUT_LINK: Final = "opt_out_link"
"""The field of a text that leads its recipient to a page with an opt-out button."""

OPT_OUT_MARK: Final = "\ue0f0\ue0f1\ue0f2"
"""Stands for that link in a plan's words until it is known who gets them: characters of nobody."""

_CONTACT: Final = "contact__"


class Reading:
    """A job's fields by their own names, and `contact__KEY` for `contact.KEY`.

    The link is `''` where there is none: a missing value. `jobs` are all that a digest tells of,
    `job` the first of them. Its own names begin with an underscore, as no field does.
    """

    __slots__ = ("_contact", "_job", "jobs", "opt_out_link")

    def __init__(
        self, job: Job, contact: Contact, opt_out_link: str = "", others: Iterable[Job] = ()
    ) -> None:
        """Put it together."""
        self._job = job
        self._contact = contact
        self.opt_out_link = opt_out_link
        self.jobs = [job, *others]

    def __getattr__(self, name: str) -> object:
        """Return a field of the contact or of the job.

        Raises:
            AttributeError: the job has no such field.
        """
        if name.startswith(_CONTACT):
            return self._contact.field(name.removeprefix(_CONTACT))
        return getattr(self._job, name)


def contact_of(reading: Reading) -> Contact:
    """Return the recipient's contact."""
    return reading._contact


def of_person(field: str) -> bool:
    """Say whether a field is the recipient's and none of the job's."""
    return field == OPT_OUT_LINK or field.startswith(_CONTACT)
