"""Every rule of the API refuses what it should, with the parameter it should name, and bills nothing."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
import requests

from ..api_server import ApiServer, Limits
from .raw import EDIT_MODEL, MODEL, FilePart, bearer, edit, edit_json, error_of, generate, image_file, part

BAD_PARAMETERS: list[tuple[dict[str, Any], str, str]] = [
    ({"seed": 1}, "seed", "unknown_parameter"),
    ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
    ({"style": "vivid"}, "style", "unknown_parameter"),
    ({"input_fidelity": "high"}, "input_fidelity", "unknown_parameter"),
    ({"negative_prompt": "x"}, "negative_prompt", "unknown_parameter"),
    ({"n": "1"}, "n", "invalid_type"),
    ({"n": 1.0}, "n", "invalid_type"),
    ({"n": True}, "n", "invalid_type"),
    ({"stream": "true"}, "stream", "invalid_type"),
    ({"prompt": None}, "prompt", "invalid_type"),
    ({"prompt": ["x"]}, "prompt", "invalid_type"),
    ({"user": None}, "user", "invalid_type"),
    ({"size": 1024}, "size", "invalid_type"),
    ({"svg": "x"}, "svg", "invalid_type"),
    ({"prompt": ""}, "prompt", "string_below_min_length"),
    ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
    ({"model": None}, "model", "missing_required_parameter"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 11}, "n", "integer_above_max_value"),
    ({"size": "1920x1080"}, "size", "invalid_value"),
    ({"size": "1080x1920"}, "size", "invalid_value"),
    ({"size": "512x512"}, "size", "invalid_value"),
    ({"size": "3856x1600"}, "size", "invalid_value"),
    ({"size": "3840x3840"}, "size", "invalid_value"),
    ({"size": "3200x1056"}, "size", "invalid_value"),
    ({"size": "1024"}, "size", "invalid_value"),
    ({"size": "1024X1024"}, "size", "invalid_value"),
    ({"model": "gpt-image-1.5", "size": "1536x864"}, "size", "invalid_value"),
    ({"quality": "hd"}, "quality", "invalid_value"),
    ({"quality": "max", "model": "gpt-image-2"}, "quality", "invalid_value"),
    ({"quality": "xhigh", "model": "gpt-image-1.5"}, "quality", "invalid_value"),
    ({"complexity": "max"}, "complexity", "invalid_value"),
    ({"complexity": "low", "model": EDIT_MODEL}, "complexity", "unsupported_parameter"),
    ({"background": "clear"}, "background", "invalid_value"),
    ({"background": "transparent", "output_format": "jpeg"}, "background", "invalid_value"),
    ({"output_format": "bmp"}, "output_format", "invalid_value"),
    ({"output_compression": 50}, "output_compression", "invalid_value"),
    ({"output_compression": 101, "output_format": "jpeg"}, "output_compression", "integer_above_max_value"),
    ({"output_compression": 50, "output_format": "gif"}, "output_compression", "invalid_value"),
    ({"moderation": "off"}, "moderation", "invalid_value"),
    ({"partial_images": 4, "stream": True}, "partial_images", "integer_above_max_value"),
    ({"partial_images": 2}, "partial_images", "invalid_value"),
    ({"frame_count": 4}, "frame_count", "invalid_value"),
    ({"frame_count": 17, "output_format": "gif"}, "frame_count", "integer_above_max_value"),
    ({"output_format": "gif", "size": "1024x1024"}, "size", "invalid_value"),
    ({"output_format": "gif", "size": "816x816", "frame_count": 13}, "size", "invalid_value"),
    ({"output_format": "gif", "stream": True}, "stream", "invalid_value"),
    ({"output_format": "gif", "model": "gpt-image-1.5"}, "output_format", "invalid_value"),
    ({"output_format": "svg"}, "svg.model", "missing_required_parameter"),
    ({"output_format": "svg", "svg": {"model": "m"}, "n": 2}, "n", "invalid_value"),
    ({"output_format": "svg", "svg": {"model": "m", "x": 1}}, "svg.x", "unknown_parameter"),
    (
        {"output_format": "svg", "svg": {"model": "m", "reasoning": {"effort": "x"}}},
        "svg.reasoning.effort",
        "invalid_value",
    ),
    ({"svg": {"model": "m"}}, "svg", "invalid_value"),
]


@pytest.mark.parametrize(("parameters", "param", "code"), BAD_PARAMETERS)
def test_bad_parameters(api_server: ApiServer, parameters: dict[str, Any], param: str, code: str) -> None:
    response = generate(api_server, **parameters)
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert api_server.bill_usd == 0 and not api_server.answers


@pytest.mark.parametrize(
    "parameters",
    [
        {"size": "1920x1088"},
        {"size": "816x816"},
        {"size": "3840x1280", "quality": None},
        {"prompt": "x" * 32_000, "size": None, "safety_identifier": None},
        {"output_compression": 0, "output_format": "webp"},
        {"model": "gpt-image-1.5", "size": "1024x1536"},
    ],
)
def test_the_edge_of_what_is_allowed(api_server: ApiServer, parameters: dict[str, Any]) -> None:
    assert generate(api_server, **parameters).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe"])
def test_a_body_that_is_no_object(api_server: ApiServer, body: bytes) -> None:
    headers = {**bearer(api_server), "Content-Type": "application/json"}
    response = requests.post(
        f"{api_server.base_url}/images/generations", data=body, headers=headers, timeout=20
    )
    assert response.status_code == 400 and "parse the JSON body" in error_of(response)["message"]


def test_content_types(api_server: ApiServer) -> None:
    url = f"{api_server.base_url}/images/"
    for endpoint in ("generations", "edits"):
        response = requests.post(url + endpoint, data={"a": "b"}, headers=bearer(api_server), timeout=20)
        assert (response.status_code, error_of(response)["code"]) == (400, "unsupported_content_type")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer sk-wrong-wrong-wrong"}, {"Authorization": "Basic x"}, {"api-key": "x"}],
)
def test_keys(api_server: ApiServer, headers: dict[str, str]) -> None:
    for path in ("/models", "/images/generations"):
        method = "GET" if path == "/models" else "POST"
        response = requests.request(method, api_server.base_url + path, json={}, headers=headers, timeout=20)
        assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("header", ["OpenAI-Organization", "OpenAI-Project"])
def test_foreign_organization_and_project(api_server: ApiServer, header: str) -> None:
    headers = {**bearer(api_server), header: "someone-else"}
    response = requests.get(f"{api_server.base_url}/models", headers=headers, timeout=20)
    assert response.status_code == 401 and error_of(response)["code"].startswith("mismatched_")


def test_urls_and_methods(api_server: ApiServer) -> None:
    response = requests.get(f"{api_server.base_url}/images", headers=bearer(api_server), timeout=20)
    assert response.status_code == 404 and error_of(response)["message"] == "Invalid URL (GET /v1/images)"
    response = requests.get(f"{api_server.base_url}/images/edits", headers=bearer(api_server), timeout=20)
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_supported")


def test_models_retire_with_the_date(api_server: ApiServer) -> None:
    assert generate(api_server, model="gpt-image-1.5").status_code == 200
    api_server.options.today = datetime.date(2026, 12, 1)
    response = generate(api_server, model="gpt-image-1.5")
    assert (response.status_code, error_of(response)["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("preview", "parameters", "param"),
    [
        ("transparent", {"background": "transparent", "model": "gpt-image-2"}, "background"),
        ("gif", {"output_format": "gif"}, "output_format"),
        ("svg", {"output_format": "svg", "svg": {"model": "m"}}, "output_format"),
    ],
)
def test_previews_can_be_withheld(
    api_server: ApiServer, preview: str, parameters: dict[str, Any], param: str
) -> None:
    assert generate(api_server, **parameters).status_code == 200
    api_server.options.previews -= {preview}
    response = generate(api_server, **parameters)
    assert (response.status_code, error_of(response)["param"]) == (400, param)


BAD_FILES: list[tuple[list[FilePart], str, str]] = [
    ([part("mask", image_file(alpha=0))], "image", "missing_required_parameter"),
    ([part("image"), part("image")], "image", "duplicate_parameter"),
    ([part("image"), part("image[]")], "image", "duplicate_parameter"),
    ([part("image[]")] * 17, "image", "array_above_max_length"),
    ([part("picture")], "picture", "unknown_parameter"),
    ([part("image"), part("prompt2")], "prompt2", "unknown_parameter"),
    ([part("image"), part("size")], "size", "invalid_type"),
    ([part("image", media_type="application/octet-stream")], "image", "unsupported_file_mimetype"),
    ([part("image[]"), part("image[]", media_type="image/gif")], "image[1]", "unsupported_file_mimetype"),
    ([part("image[]", media_type="")], "image[0]", "missing_file_mimetype"),
    ([part("image", b"no image")], "image", "invalid_image_file"),
    ([part("image", image_file()[:-30])], "image", "invalid_image_file"),
    ([part("image", image_file(kind="GIF"))], "image", "invalid_image_file"),
    ([part("image"), part("mask", image_file())], "mask", "invalid_image_format"),
    ([part("image"), part("mask", image_file(kind="JPEG"))], "mask", "invalid_image_format"),
    ([part("image"), part("mask", image_file((64, 64), alpha=0))], "mask", "invalid_image_size"),
    ([part("image"), part("markup", image_file((64, 64), alpha=0))], "markup", "invalid_image_size"),
    ([part("image"), part("markup", image_file(alpha=255))], "markup", "invalid_value"),
    (
        [part("image"), part("mask", image_file(alpha=0)), part("markup", image_file(alpha=0))],
        "markup",
        "invalid_value",
    ),
    (
        [part("image"), part("mask", image_file(alpha=0)), part("mask", image_file(alpha=0))],
        "mask",
        "duplicate_parameter",
    ),
]


@pytest.mark.parametrize(("files", "param", "code"), BAD_FILES)
def test_bad_images(api_server: ApiServer, files: list[FilePart], param: str, code: str) -> None:
    response = edit(api_server, files)
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert api_server.bill_usd == 0


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"n": "two"}, "n", "invalid_type"),
        ({"n": "1.0"}, "n", "invalid_type"),
        ({"stream": "True"}, "stream", "invalid_type"),
        ({"stream": "1"}, "stream", "invalid_type"),
        ({"moderation": "low"}, "moderation", "unknown_parameter"),
        ({"image[]": "x"}, "image[]", "invalid_type"),
        ({"mask": "x"}, "mask", "invalid_type"),
        ({"input_fidelity": "high"}, "input_fidelity", "unsupported_parameter"),
        ({"input_fidelity": "high", "model": "gpt-image-1-mini"}, "input_fidelity", "invalid_value"),
        ({"svg[author]": "x"}, "svg[author]", "unknown_parameter"),
        ({"response_format": "url"}, "response_format", "unknown_parameter"),
        ({"size": "1000x1000"}, "size", "invalid_value"),
    ],
)
def test_bad_edit_fields(api_server: ApiServer, fields: dict[str, str], param: str, code: str) -> None:
    response = edit(api_server, **fields)
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)


def test_edits_that_are_allowed(api_server: ApiServer) -> None:
    assert edit(api_server, model="gpt-image-1.5", input_fidelity="high").status_code == 200
    assert edit(api_server, [part("image[]")] * 16).status_code == 200
    svg = {"output_format": "svg", "svg[model]": "m", "svg[reasoning][effort]": "low"}
    assert edit(api_server, **svg).json()["svg_usage"]["model"] == "m"
    jpeg = part("image", image_file(kind="JPEG"), "image/jpeg")
    assert edit(api_server, [jpeg, part("mask", image_file(alpha=0))]).status_code == 200


def test_size_limits(api_server: ApiServer) -> None:
    api_server.options.limits = Limits(image=len(image_file()), mask=60, body=3000)
    assert error_of(edit(api_server))["code"] == "file_too_large"
    api_server.options.limits = Limits(mask=60, body=3000)
    with_mask = [part("image"), part("mask", image_file(alpha=0))]
    assert error_of(edit(api_server, with_mask))["param"] == "mask"
    assert edit(api_server, [part("image", b"x" * 5000)]).status_code == 413


def test_repeated_picture_fields_where_they_are_wanted(api_server: ApiServer) -> None:
    api_server.options.picture_fields = "repeated"
    assert edit(api_server, [part("image"), part("image")]).status_code == 200
    assert error_of(edit(api_server, [part("image[]")]))["param"] == "image"


def test_broken_multipart(api_server: ApiServer) -> None:
    url = f"{api_server.base_url}/images/edits"
    good = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--b--\r\n'
    broken = {
        "no boundary": ("multipart/form-data", good),
        "does not start": ("multipart/form-data; boundary=c", good),
        "no closing": ("multipart/form-data; boundary=b", good[:-4]),
        "unexpected end": ("multipart/form-data; boundary=b", good[:-9]),
        "without Content-Disposition": (
            "multipart/form-data; boundary=b",
            good.replace(b"form-data", b"file"),
        ),
    }
    for why, (media_type, body) in broken.items():
        headers = {**bearer(api_server), "Content-Type": media_type}
        response = requests.post(url, data=body, headers=headers, timeout=20)
        assert response.status_code == 400 and why in error_of(response)["message"]


def data_url(data: bytes, media_type: str = "image/png") -> dict[str, str]:
    return {"image_url": f"data:{media_type};base64,{base64.b64encode(data).decode()}"}


def test_json_edits(api_server: ApiServer) -> None:
    given = data_url(image_file())
    good = edit_json(
        api_server, images=[given, given], mask=data_url(image_file(alpha=0)), moderation="low", n=2
    )
    assert good.status_code == 200 and len(good.json()["data"]) == 2
    assert [file.field for file in api_server.requests[0].files] == ["images[0]", "images[1]", "mask"]
    for images, param, code in (
        ([], "images", "missing_required_parameter"),
        (given, "images", "invalid_type"),
        ([given] * 17, "images", "array_above_max_length"),
        (["x"], "images[0]", "invalid_type"),
        ([{**given, "file_id": "f"}], "images[0]", "invalid_value"),
        ([{"image_url": 1}], "images[0].image_url", "invalid_type"),
        ([{"url": "x"}], "images[0].url", "unknown_parameter"),
        ([{"image_url": "http://127.0.0.1/a.png"}], "images[0].image_url", "invalid_image_url"),
        ([{"image_url": given["image_url"] + "!"}], "images[0].image_url", "invalid_base64"),
        ([given, data_url(image_file(), "image/gif")], "images[1].image_url", "unsupported_file_mimetype"),
        (
            [{"image_url": "data:image/png;base64," + "A" * 20_971_520}],
            "images[0].image_url",
            "string_above_max_length",
        ),
    ):
        error = error_of(edit_json(api_server, images=images))
        assert (error["param"], error["code"]) == (param, code)


def test_azure_keys(api_server: ApiServer) -> None:
    url = f"{api_server.origin}/openai/deployments/my-images/images/generations"
    key = {"api-key": api_server.api_key}
    body = {"prompt": "x"}
    assert requests.post(f"{url}?api-version=1", json=body, headers=key, timeout=20).status_code == 200
    assert requests.post(url, json=body, headers=key, timeout=20).status_code == 404
    refused = requests.post(f"{url}?api-version=1", json=body, headers=bearer(api_server), timeout=20)
    assert refused.status_code == 401 and set(refused.json()["error"]) == {"code", "message"}
    newer = f"{api_server.origin}/openai/v1/images/generations"
    given = {**body, "model": MODEL}
    assert requests.post(newer, json=given, headers=bearer(api_server), timeout=20).status_code == 200
