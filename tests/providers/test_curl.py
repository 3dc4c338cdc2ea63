from __future__ import annotations

import shlex

from smsnotify.model.http import HttpRequest
from smsnotify.providers.curl import as_curl

REQUEST = HttpRequest(
    method="POST",
    url="https://sms.8x8.com/api/v1/x?a=1&b=2",
    headers={"Authorization": "Bearer k3y", "Content-Type": "application/json"},
    body=b'{"text":"It\'s here, $HOME"}',
)


def test_a_request_is_one_command_that_a_shell_reads_back():
    words = shlex.split(as_curl(REQUEST, secrets_masked=False).replace("\\\n", ""))
    assert words == [
        *("curl", "-X", "POST", REQUEST.url),
        *("-H", "Authorization: Bearer k3y"),
        *("-H", "Content-Type: application/json"),
        *("--data-raw", REQUEST.body.decode()),
    ]


def test_a_bearer_key_is_masked():
    shown = as_curl(REQUEST)
    assert "Authorization: Bearer ***" in shown
    assert "k3y" not in shown


def test_of_basic_only_the_user_is_shown():
    request = HttpRequest(
        method="GET", url="https://x.test", headers={"Authorization": "Basic QUM6czNj"}
    )
    assert "-u 'AC:***'" in as_curl(request)
    assert "QUM6czNj" not in as_curl(request)


def test_a_credential_of_no_known_form_is_masked_whole():
    for value in ("Basic %%%", "Basic /w==", "raw-value"):
        shown = as_curl(
            HttpRequest(method="GET", url="https://x.test", headers={"authorization": value})
        )
        assert value.split()[-1] not in shown
        assert "***" in shown


def test_the_key_of_detrack_is_masked():
    shown = as_curl(HttpRequest(method="GET", url="https://x.test", headers={"X-API-KEY": "abc"}))
    assert "X-API-KEY: ***" in shown
