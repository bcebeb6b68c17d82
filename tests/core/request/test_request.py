"""Requests as values: round trips, what is refused, and when two are equal."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.validation import check_application, check_values

FULL = GenerationRequest(
    prompt="Ein Stück Eiche",
    provider="openai",
    model="gpt-image-2.6-sunburst",
    n=3,
    size="2048x1024",
    quality="xhigh",
    complexity="low",
    background="opaque",
    output_format="webp",
    output_compression=0,
    moderation="low",
    partial_images=2,
    safety_identifier="abc",
    references=("/a.png", "/b.png"),
    mask="/m.png",
    style="anime",
    seamless=True,
)


def valid(**changes: Any) -> GenerationRequest:
    return dataclasses.replace(GenerationRequest(prompt="wood", provider="openai", model="m"), **changes)


@pytest.mark.parametrize("request_", [GenerationRequest(), FULL, valid(n=10)])
def test_a_request_survives_a_dict(request_: GenerationRequest) -> None:
    assert GenerationRequest.from_dict(request_.to_dict()) == request_


def test_an_application_survives_a_dict() -> None:
    application = Application(target="plane", maps=("normal",), object_uid=7, view_matrix=(1.0,) * 16)
    assert Application.from_dict(application.to_dict()) == application


def test_a_dict_holds_only_what_differs() -> None:
    assert valid(n=2).to_dict() == {"prompt": "wood", "provider": "openai", "model": "m", "n": 2}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="'seed'") as caught:
        GenerationRequest.from_dict({"seed": 1})
    assert caught.value.param == "seed"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"provider": "dalle"}, "provider"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"background": "green"}, "background"),
        ({"output_format": "tiff"}, "output_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "output_format"),
        ({"output_compression": 50}, "output_compression"),
        ({"output_compression": 101, "output_format": "jpeg"}, "output_compression"),
        ({"moderation": "off"}, "moderation"),
        ({"partial_images": 4}, "partial_images"),
        ({"partial_images": 1, "output_format": "svg"}, "partial_images"),
        ({"n": 2, "output_format": "svg"}, "n"),
        ({"mask": "/m.png"}, "mask"),
        ({"markup": "/m.png"}, "markup"),
        ({"mask": "/m.png", "markup": "/u.png", "references": ("/a.png",)}, "markup"),
        ({"references": ("/a.png",) * 17}, "references"),
        ({"frame_count": 4}, "frame_count"),
        ({"frame_count": 17, "output_format": "gif"}, "frame_count"),
    ],
)
def test_what_no_model_takes_is_refused(changes: dict[str, Any], param: str) -> None:
    check_values(valid())
    with pytest.raises(InvalidRequestError) as caught:
        check_values(valid(**changes))
    assert caught.value.param == param
    assert caught.value.exit_code == 4
    assert caught.value.message.endswith(".")


def test_a_full_request_is_taken() -> None:
    check_values(FULL)


@pytest.mark.parametrize("application", [Application(target="cube"), Application(maps=("bump",))])
def test_an_unknown_application_is_refused(application: Application) -> None:
    with pytest.raises(InvalidRequestError):
        check_application(application)


def test_equal_requests_have_equal_digests() -> None:
    moved = dataclasses.replace(FULL, references=("/elsewhere/a.png", "/b.png"))
    assert FULL.digest(["1", "2", "3"]) == moved.digest(["1", "2", "3"])
    assert FULL.digest(["1", "2", "3"]) != FULL.digest(["1", "2", "4"])
    assert valid().digest() != valid(n=2).digest()
