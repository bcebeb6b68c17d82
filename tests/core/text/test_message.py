"""Sentences that know what was filled in."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Mapping

import pytest

from gpt_image_addon.core.common.files import storage_errors
from gpt_image_addon.core.errors import GptImageError, StorageError
from gpt_image_addon.core.text.message import Message, join, message, one_of
from gpt_image_addon.core.text.redaction import hide

GERMAN: Mapping[str, str] = {
    "There is no job {job}.": "Es gibt keinen Auftrag {job}.",
    "The job is not finished: {state}.": "Der Auftrag ist nicht fertig: {state}.",
    "Done": "Fertig",
    "Try again.": "Bitte noch einmal.",
    "{path} could not be read": "{path} ist nicht lesbar",
    "{width} by {height}": "{height} mal {width}",
    "{names} or {last}": "{names} oder {last}",
}


def say(text: str) -> str:
    return Message.of(text).say(lambda template: GERMAN.get(template, template))


def test_a_message_is_its_english_sentence() -> None:
    made = message("There is no job {job}.", job="abc")
    assert made == "There is no job abc." and hash(made) == hash("There is no job abc.")
    assert str(made) == f"{made}" == "There is no job abc." and type(str(made)) is str
    assert json.dumps(made) == '"There is no job abc."'
    row = sqlite3.connect(":memory:").execute("SELECT ?, typeof(?1)", (made,)).fetchone()
    assert row == ("There is no job abc.", "text")


def test_its_template_and_values_are_said_in_another_language() -> None:
    assert say(message("There is no job {job}.", job="abc")) == "Es gibt keinen Auftrag abc."
    assert say(message("{width} by {height}", width=3, height=4)) == "4 mal 3"
    assert say("Try again.") == "Bitte noch einmal."
    assert say("There is no job abc.") == "There is no job abc."


def test_sentences_in_it_are_said_too_but_names_are_not() -> None:
    assert say(message("The job is not finished: {state}.", state=Message("Done"))) == (
        "Der Auftrag ist nicht fertig: Fertig."
    )
    assert say(message("There is no job {job}.", job="Done")) == "Es gibt keinen Auftrag Done."


def test_braces_in_what_is_filled_in_stay() -> None:
    assert message("There is no job {job}.", job="{job}") == "There is no job {job}."
    assert say(message("There is no job {job}.", job="{x} {}")) == "Es gibt keinen Auftrag {x} {}."
    assert say(join("{what}", "Try again.")) == "{what} Bitte noch einmal."


def test_joined_sentences_keep_their_parts() -> None:
    both = join("", message("There is no job {job}.", job=1), "Try again.", "")
    assert both == "There is no job 1. Try again."
    assert say(both) == "Es gibt keinen Auftrag 1. Bitte noch einmal."
    assert join("", "") == "" and join("Try again.").template == "Try again."


def test_what_can_be_chosen_is_listed() -> None:
    assert one_of(("png",)) == "png" and one_of(("png", "webp")) == "png or webp"
    assert say(message("{width} by {height}", width=1, height=one_of("abc"))) == "a, b oder c mal 1"


def test_it_crosses_to_another_process() -> None:
    error = GptImageError(message("There is no job {job}.", job=1), next_step="Try again.")
    assert say(pickle.loads(pickle.dumps(error)).text) == say(error.text)
    assert say(error.text) == "Es gibt keinen Auftrag 1. Bitte noch einmal."


def test_errors_hide_secrets_in_the_values_as_well() -> None:
    hide("very-secret-key-of-mine")
    error = GptImageError(message("There is no job {job}.", job="very-secret-key-of-mine\x1b[1m"))
    assert "secret" not in error.message and "secret" not in say(error.text) and "\x1b" not in say(error.text)
    assert say(error.text).startswith("Es gibt keinen Auftrag ")


def test_a_secret_in_two_parts_costs_the_translation() -> None:
    hide("another-secret-key-of-mine")
    error = GptImageError(message("{a}{b} Done", a="another-secret", b="-key-of-mine"))
    assert "secret" not in str(error) + say(error.text) and "of-mine" not in say(error.text)


def test_what_the_system_says_stands_in_a_sentence_of_ours() -> None:
    with pytest.raises(StorageError) as caught, storage_errors(message("{path} could not be read", path="x")):
        raise OSError(2, "No such file")
    assert caught.value.message == "x could not be read: No such file."
    assert say(caught.value.message) == "x ist nicht lesbar: No such file."
