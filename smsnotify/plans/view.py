"""What a plan's texts and conditions read: the job, the contact and the earlier answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smsnotify.model.contact import Contact
from smsnotify.model.job import Job
from smsnotify.model.plan import View

_CONTACT: Final = "contact__"
_REPLIES: Final = "replies__"


class PlanView(View):
    """Attributes by name: `contact__KEY`, `replies__STEP`, `opt_out_link`, and the job's fields.

    Whatever is not there is None, a missing value: a field without a job, an answer that nobody
    gave. Its own names begin with an underscore, as no field does.
    """

    __slots__ = ("_answers", "_contact", "_job", "opt_out_link")

    def __init__(
        self,
        contact: Contact,
        answers: Mapping[str, str],
        job: Job | None,
        opt_out_link: str = "",
    ) -> None:
        """Put them together; `answers` may grow while the view is read."""
        self._contact = contact
        self._answers = answers
        self._job = job
        self.opt_out_link = opt_out_link

    def __getattr__(self, name: str) -> object:
        """Return a value, None when there is none."""
        if name.startswith(_CONTACT):
            return self._contact.field(name[len(_CONTACT) :])
        if name.startswith(_REPLIES):
            return self._answers.get(name[len(_REPLIES) :])
        return None if self._job is None else getattr(self._job, name, None)
