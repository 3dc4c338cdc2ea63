"""The pages for people in the OpenAPI document: opt-out links and tracking pages.

They answer HTML, and their forms need a proof that only the page itself gives: they are described
so that nobody has to guess, not to be called by programs.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

_TOKEN: Final[Schema] = {
    "name": "token",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
}
_NAME: Final[Schema] = _TOKEN | {"name": "name"}
_PAGE: Final[Schema] = {"text/html": {"schema": {"type": "string"}}}
_NOWHERE: Final = "the link leads nowhere"
_REFUSED: Final = {
    "408": "the form took too long to arrive",
    "413": "the form is too long",
    "415": "a packed form",
    "429": "too often: try again in ten minutes",
    "503": "it could not be asked or stored; try again",
}


def pages() -> Schema:
    """Return the paths of the pages."""
    return {
        "/o/{token}": {"get": _opt_out_page(), "post": _opt_out()},
        "/t/{token}": {"get": _tracking_page(), "post": _rate()},
        "/t/static/{name}": {"get": _static()},
    }


def _told(told: dict[str, str]) -> Schema:
    return {status: {"description": why, "content": _PAGE} for status, why in told.items()}


def _some(*statuses: str) -> dict[str, str]:
    return {status: _REFUSED[status] for status in statuses}


def _form(needed: list[str], fields: Schema) -> Schema:
    schema = {"type": "object", "required": needed, "properties": fields}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _opt_out_page() -> Schema:
    return {
        "operationId": "showOptOut",
        "summary": "Show the page of an opt-out link: it changes nothing.",
        "parameters": [_TOKEN],
        "responses": _told({"200": "a page with a button", "404": _NOWHERE, **_some("429", "503")}),
    }


def _opt_out() -> Schema:
    return {
        "operationId": "optOut",
        "summary": "Opt out, with the proof that the page's own form carries.",
        "parameters": [_TOKEN],
        "requestBody": _form(["proof"], {"proof": {"type": "string"}}),
        "responses": _told(
            {
                "200": "opted out",
                "400": "the form is not the page's own, or too old",
                "404": _NOWHERE,
                **_REFUSED,
            }
        ),
    }


def _tracking_page() -> Schema:
    told = _told({"200": "where the job is", "404": _NOWHERE, **_some("429", "503")})
    return {
        "operationId": "showTracking",
        "summary": "Show where a job is: it changes nothing.",
        "parameters": [_TOKEN],
        "responses": told | {"304": {"description": "as it was: If-None-Match named its ETag"}},
    }


def _rate() -> Schema:
    stars = {"type": "string", "enum": ["", "1", "2", "3", "4", "5"]}
    fields = {
        "proof": {"type": "string"},
        "goods": stars,
        "driver": stars,
        "comment": {"type": "string", "maxLength": 1000},
    }
    told = _told(
        {
            "400": "no stars from 1 to 5 and no comment, or too long a one",
            "403": "the form is not the page's own, or too old",
            "404": _NOWHERE,
            "409": "this cannot be rated now, or not any more",
            **_REFUSED,
        }
    )
    return {
        "operationId": "rate",
        "summary": "Rate a job, with the proof that the page's own form carries.",
        "parameters": [_TOKEN],
        "requestBody": _form(["proof"], fields),
        "responses": told | {"303": {"description": "kept; the page shows it"}},
    }


def _static() -> Schema:
    kinds = ("text/css", "text/javascript", "image/svg+xml", "image/png", "image/jpeg")
    return {
        "operationId": "showTrackingFile",
        "summary": "Give style, script, colour or logo of tracking pages.",
        "parameters": [_NAME],
        "responses": {
            "200": {
                "description": "the file",
                "content": {kind: {"schema": {}} for kind in (*kinds, "image/webp")},
            },
            "304": {"description": "as it was: If-None-Match named its ETag"},
            **_told({"404": "there is no such file"}),
        },
    }
