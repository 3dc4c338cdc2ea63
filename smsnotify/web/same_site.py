"""Forms of our own pages: whether a browser says that another site sends one, and its fields."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

_MOST_FIELDS: Final = 50


def is_same_site(request: Request, public_url: str) -> bool:
    """Say whether a form may be ours. Browsers say it; who is none needs the form's proof too."""
    origin = request.headers.get("origin", "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    public = urlsplit(public_url)
    host = request.headers.get("host", "")
    known = {f"{public.scheme}://{public.netloc}", f"http://{host}", f"https://{host}"}
    return site in ("same-origin", "none") and (not origin or origin in known)


def form_of(body: bytes) -> dict[str, str]:
    """Return the fields of a posted form, the first value of each; none when it is no form."""
    try:
        fields = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
