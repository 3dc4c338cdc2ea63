"""`why`, `preview` and `rules explain` say in which language a text is, and who decided on it."""

from __future__ import annotations

from place import NOON, Place, event

RULES = """
version: 1
custom_fields: {tongue: string}
defaults: {language_field: tongue, tracking_link: none}
rules:
  - name: done
    events: [completed]
    to: {fields: [phone_number]}
    body: {en: "{{ do_number }} came.", zh: "{{ do_number }}已送达。"}
"""
TOLD = "in zh, as the job's tongue says"


def test_who_decided_on_the_language_is_told_everywhere(place: Place) -> None:
    place.rules(RULES)
    file = place.events(event(tongue="zh-TW"))
    assert TOLD in place.run("preview", file, as_of=NOON).out
    (decision,) = place.json("preview", file, as_of=NOON).only("decision")
    assert (decision["language"], decision["detail"]) == ("zh", TOLD)
    assert f"language: +6591230001: {TOLD}" in place.run("rules", "explain", file).out
    place.process(file)
    told = place.run("why", "DO-1").out
    assert f"({TOLD})" in told
    assert "“DO-1已送达。”" in told


def test_without_a_file_every_language_is_shown(place: Place) -> None:
    place.rules(RULES)
    shown = place.json("preview").only("decision")
    assert [one["language"] for one in shown] == ["en", "zh"]
