"""Sentences in the user's language, with names and numbers in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import bpy
import numpy as np
import pytest

from gpt_image_addon.core.errors import (
    AuthenticationError,
    GptImageError,
    InvalidRequestError,
    MissingApiKeyError,
)
from gpt_image_addon.core.http.client import Reply
from gpt_image_addon.core.imaging.formats import encode_png, inspect_file
from gpt_image_addon.core.imaging.pixels import read_pixels
from gpt_image_addon.core.providers.openai.errors import error_from
from gpt_image_addon.core.request import styles
from gpt_image_addon.core.request.models import check, load_registry, successor
from gpt_image_addon.core.request.pricing import Estimate, Limits, check_limit
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.validation import check_values
from gpt_image_addon.core.text.message import Message, message
from gpt_image_addon.scene.targets.receiver import why_deferred
from gpt_image_addon.ui.common import translations
from gpt_image_addon.ui.common.translate import translate

TABLE = translations.load()["de_DE"]


def german(text: str) -> str:
    """What a German Blender says."""
    return Message.of(text).say(lambda part: TABLE.get(("*", part), part))


def test_english_stays_as_it_is() -> None:
    for text in ("There is no API key.", "3 styles were written.", "Anything else", ""):
        assert translate(text) == text


def test_sentences_are_said_with_what_is_filled_in() -> None:
    assert german(message("There is no job {job}.", job="abc")) == "Es gibt keinen Auftrag abc."
    assert german(message("{count} styles were written.", count=3)) == "3 Stile wurden geschrieben."
    assert german("3 styles were written.") == "3 styles were written."
    assert german("Nobody translated this.") == "Nobody translated this."


def test_message_and_next_step_are_both_german() -> None:
    assert german(MissingApiKeyError("There is no API key.").text).startswith(
        "Es gibt keinen API-Schlüssel. OPENAI_API_KEY setzen"
    )
    half = GptImageError("There is no API key.", next_step="Ask your administrator.")
    assert german(half.text) == "Es gibt keinen API-Schlüssel. Ask your administrator."
    refused = error_from(Reply(401, {}, b'{"error": {"message": "Wrong."}}'), "gpt-image-2")
    assert isinstance(refused, AuthenticationError) and refused.message == "The server refused the key."
    assert german(refused.text).startswith("Der Server lehnt den Schlüssel ab. Bitte den Schlüssel")


def test_a_reason_inside_a_sentence_is_said_too() -> None:
    reply = Reply(429, {}, b'{"error": {"message": "Please try again in 12s."}}')
    error = error_from(reply, "gpt-image-2")
    assert error is not None
    told = german(message("Trying again in {seconds} s: {reason}", seconds=12, reason=error.message))
    assert told == "Neuer Versuch in 12 s: Der Server bittet um weniger Anfragen: Please try again in 12s."


def test_real_messages_are_recognised() -> None:
    found = successor("gpt-image-1", load_registry(), date(2027, 1, 1))
    assert found is not None and german(found.notice).startswith(
        "gpt-image-1 wurde am 2026-10-23 abgeschaltet"
    )
    with pytest.raises(GptImageError) as caught:
        check_values(GenerationRequest(prompt="x", provider="openai", n=11))
    assert german(caught.value.text) == "n muss 1 bis 10 sein, nicht 11."


def test_no_english_words_are_filled_into_a_german_sentence(tmp_path: Path) -> None:
    table = load_registry()
    request = GenerationRequest("x", "openai", "gpt-image-1.5", output_format="gif", size="auto")
    with pytest.raises(GptImageError) as caught:
        check(request, table, date(2026, 1, 1))
    assert german(caught.value.message) == "gpt-image-1.5 bietet das Dateiformat gif nicht an."
    with pytest.raises(GptImageError) as caught:
        check_limit(Estimate(1.0, 1.0, exact=True, likely_usd=1.0), Limits(0.5))
    assert german(caught.value.message).endswith("kosten; die Grenze für eine Anfrage ist 0.50 $.")
    with pytest.raises(GptImageError) as caught:
        styles.check_style("a", "A", "")
    assert german(caught.value.message) == "Der Stil hat 0 Zeichen an Worten, nicht 1 bis 1000."
    path = tmp_path / "styles.json"
    path.write_text('{"schema": 1, "styles": [{"name": "a"}]}')
    with pytest.raises(GptImageError) as caught:
        styles.read_styles(path)
    assert german(caught.value.message) == f"Stil 1 in {path} hat nicht Namen, Bezeichnung und Worte."
    bpy.ops.curve.primitive_bezier_circle_add()
    bpy.ops.object.mode_set(mode="EDIT")
    assert "ist im Bearbeitungsmodus; das" in german(why_deferred(Application(target="material")) or "")


def test_an_svg_without_its_model_asks_for_it_by_the_name_of_the_field() -> None:
    body = b'{"error": {"param": "svg.model", "code": "missing_required_parameter", "message": "x"}}'
    error = error_from(Reply(400, {}, body), "gpt-image-2")
    assert error is not None and "unter Zeichenmodell im Panel" in german(error.text)


def test_labels_of_styles_are_translated() -> None:
    assert german("Oil Painting") == "Ölgemälde"


def test_blender_says_it_in_its_own_language() -> None:
    view = bpy.context.preferences.view
    if "de_DE" not in view.bl_rna.properties["language"].enum_items:
        pytest.skip("Blender's Python module comes without languages; a full Blender runs this")
    before = view.language, view.use_translate_interface
    view.language, view.use_translate_interface = "de_DE", True
    try:
        assert translate(message("There is no job {job}.", job="abc")) == "Es gibt keinen Auftrag abc."
        assert translate("There is no API key.") == "Es gibt keinen API-Schlüssel."
    finally:
        view.language, view.use_translate_interface = before
    assert translate(message("There is no job {job}.", job="abc")) == "There is no job abc."


def test_parts_of_sentences_are_said_too(tmp_path: Path) -> None:
    text = tmp_path / "x.png"
    text.write_text("not an image")
    with pytest.raises(InvalidRequestError) as caught:
        inspect_file(text)
    assert german(caught.value.text) == f"Das Bild {text} ist kein lesbares Bild."
    with pytest.raises(InvalidRequestError) as caught:
        read_pixels(encode_png(np.zeros((4, 20, 3), np.uint8)), "oak")
    assert caught.value.message == "The image oak has 20 x 4 pixels; 16 x 16 is the least."
    assert german(caught.value.text) == "Das Bild oak hat 20 x 4 Pixel; mindestens 16 x 16 müssen es sein."
