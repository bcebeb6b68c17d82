"""Which fields each endpoint takes, of which types and values, and what each model allows."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import errors
from .models import MODELS, Model

MAX_PROMPT = 32_000  # characters
MIN_PIXELS, MAX_PIXELS, MAX_EDGE = 655_360, 8_294_400, 3840
GIF_EDGES = ((9, 960), (12, 816), (16, 720))  # up to so many frames, the largest edge
PREVIEWS = frozenset({"gif", "svg", "transparent"})  # access-gated features


@dataclass(frozen=True)
class Field:
    """One parameter: JSON type, allowed values, and whether null stands for leaving it out."""

    kind: type[Any]
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    nullable: bool = True


_COMMON: dict[str, Field] = {
    "prompt": Field(str, nullable=False),
    "model": Field(str),
    "size": Field(str),
    "quality": Field(str, ("low", "medium", "high", "xhigh", "max", "auto")),
    "complexity": Field(str, ("low", "medium", "high")),
    "background": Field(str, ("transparent", "opaque", "auto")),
    "output_format": Field(str, ("png", "jpeg", "webp", "gif", "svg")),
    "output_compression": Field(int, minimum=0, maximum=100),
    "n": Field(int, minimum=1, maximum=10),
    "stream": Field(bool),
    "partial_images": Field(int, minimum=0, maximum=3),
    "frame_count": Field(int, minimum=2, maximum=16),
    "frame_duration_ms": Field(int, minimum=1),
    "svg": Field(dict),
    "safety_identifier": Field(str),
    "user": Field(str, nullable=False),
}
_MODERATION = {"moderation": Field(str, ("low", "auto"))}
_FIDELITY = {"input_fidelity": Field(str, ("high", "low"))}
GENERATION_FIELDS = {**_COMMON, **_MODERATION}
EDIT_FIELDS = {**_COMMON, **_FIDELITY}  # the official client knows no moderation here
EDIT_JSON_FIELDS = {
    **_COMMON,
    **_MODERATION,
    **_FIDELITY,
    "images": Field(list, nullable=False),
    "mask": Field(dict),
    "markup": Field(dict),
}
_SVG_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TYPE_NAMES: dict[type[Any], str] = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    dict: "an object",
    list: "an array",
    float: "a decimal number",
    type(None): "null",
}


@dataclass(frozen=True)
class Parameters:
    """A checked request with every default filled in; `size` in pixels, `quality` never auto."""

    prompt: str
    model: Model
    size: tuple[int, int]
    quality: str
    background: str
    output_format: str
    output_compression: int
    n: int
    stream: bool
    partial_images: int
    frame_count: int
    frame_duration_ms: int
    svg: Mapping[str, Any] | None
    safety_identifier: str | None


def from_text(fields: Mapping[str, str], table: Mapping[str, Field]) -> dict[str, Any]:
    """Multipart text fields as the JSON values they stand for; unknown names stay for `check_fields`."""
    values: dict[str, Any] = {}
    for name, text in fields.items():
        field = table.get(name)
        nested = re.fullmatch(r"svg\[(model)\]|svg\[(reasoning)\]\[(effort)\]", name)
        if nested:
            svg = values.setdefault("svg", {})
            if nested[1]:
                svg["model"] = text
            else:
                svg.setdefault("reasoning", {})["effort"] = text
        elif field is not None and field.kind is int:
            if not re.fullmatch(r"-?\d{1,9}", text):
                raise errors.invalid_type(name, "an integer", "a string")
            values[name] = int(text)
        elif field is not None and field.kind is bool:
            if text not in ("true", "false"):
                raise errors.invalid_type(name, "a boolean", "a string")
            values[name] = text == "true"
        else:
            values[name] = text
    return values


def check_fields(body: Mapping[str, Any], table: Mapping[str, Field]) -> dict[str, Any]:
    """The body without nulls, once every name, type, choice and range is right."""
    for name in body:
        if name not in table:
            raise errors.unknown_parameter(name)
    for name, value in body.items():
        _check_value(name, value, table[name])
    values = {name: value for name, value in body.items() if value is not None}
    for name in ("prompt", "images"):
        if name in table and name not in values:
            raise errors.missing_parameter(name)
    _check_prompt(values["prompt"])
    return values


def _check_value(name: str, value: Any, field: Field) -> None:
    if value is None and field.nullable:
        return
    if type(value) is not field.kind:
        raise errors.invalid_type(name, _TYPE_NAMES[field.kind], _TYPE_NAMES[type(value)])
    if field.choices and value not in field.choices:
        raise errors.invalid_choice(name, value, field.choices)
    if field.minimum is not None and value < field.minimum:
        message = f"Invalid '{name}': integer below minimum value. Expected a value >= {field.minimum}."
        raise errors.bad_request(message, name, "integer_below_min_value")
    if field.maximum is not None and value > field.maximum:
        message = f"Invalid '{name}': integer above maximum value. Expected a value <= {field.maximum}."
        raise errors.bad_request(message, name, "integer_above_max_value")


def _check_prompt(prompt: str) -> None:
    if not prompt:
        message = "Invalid 'prompt': string too short. Expected a string with minimum length 1."
        raise errors.bad_request(message, "prompt", "string_below_min_length")
    if len(prompt) > MAX_PROMPT:
        message = (
            f"Invalid 'prompt': string too long. Expected a string with maximum length {MAX_PROMPT}, "
            f"but got a string with length {len(prompt)} instead."
        )
        raise errors.bad_request(message, "prompt", "string_above_max_length")


def find_model(name: str | None, today: datetime.date) -> Model:
    """The model of that name, or the API's 404 for unknown and retired ones."""
    if name is None:
        raise errors.missing_parameter("model")
    model = MODELS.get(name)
    if model is None:
        raise errors.model_not_found(name)
    if model.is_retired(today):
        raise errors.model_retired(name)
    return model


def check(values: Mapping[str, Any], model: Model, previews: frozenset[str]) -> Parameters:
    """Hold checked values against the model. Raises ApiError (400) naming the parameter."""
    _check_model_fields(values, model)
    output_format = values.get("output_format", "png")
    _check_format(values, output_format, previews, model)
    if values.get("background") == "transparent":
        _check_transparent(output_format, model, previews)
    quality = values.get("quality", "auto")
    return Parameters(
        prompt=values["prompt"],
        model=model,
        size=_size(values, model, output_format),
        quality="medium" if quality == "auto" else quality,
        background="transparent" if values.get("background") == "transparent" else "opaque",
        output_format=output_format,
        output_compression=values.get("output_compression", 100),
        n=values.get("n", 1),
        stream=values.get("stream", False),
        partial_images=values.get("partial_images", 0),
        frame_count=values.get("frame_count", 9),
        frame_duration_ms=values.get("frame_duration_ms", 200),
        svg=values.get("svg"),
        safety_identifier=values.get("safety_identifier") or values.get("user") or None,
    )


def _check_model_fields(values: Mapping[str, Any], model: Model) -> None:
    if "complexity" in values and not model.complexity:
        raise errors.unsupported_parameter("complexity", model.id)
    if "input_fidelity" in values:
        if not model.input_fidelity:
            raise errors.unsupported_parameter("input_fidelity", model.id)
        if values["input_fidelity"] not in model.input_fidelity:
            raise errors.invalid_choice("input_fidelity", values["input_fidelity"], model.input_fidelity)
    if "quality" in values and values["quality"] not in model.qualities:
        raise errors.invalid_choice("quality", values["quality"], model.qualities)
    if values.get("partial_images") and not values.get("stream"):
        raise errors.invalid_value("partial_images", "partial_images needs stream to be true.")


def _check_transparent(output_format: str, model: Model, previews: frozenset[str]) -> None:
    if output_format not in ("png", "webp"):
        message = "Transparent background is not supported for this output format. Use 'png' or 'webp'."
        raise errors.invalid_value("background", message)
    if model.family == "2" and "transparent" not in previews:
        raise errors.invalid_value("background", "Transparent background is not supported for this model.")


def _check_format(
    values: Mapping[str, Any], output_format: str, previews: frozenset[str], model: Model
) -> None:
    if "output_compression" in values and output_format not in ("jpeg", "webp"):
        message = f"Compression is not supported for {output_format} output format."
        raise errors.invalid_value("output_compression", message)
    for name in ("frame_count", "frame_duration_ms"):
        if name in values and output_format != "gif":
            raise errors.invalid_value(name, f"'{name}' needs output_format to be 'gif'.")
    if "svg" in values and output_format != "svg":
        raise errors.invalid_value("svg", "'svg' needs output_format to be 'svg'.")
    if output_format in ("gif", "svg"):
        if output_format not in previews or model.sizes:
            raise errors.invalid_value(
                "output_format", f"No access to {output_format} output with this model."
            )
        if values.get("stream"):
            raise errors.invalid_value("stream", f"Streaming is not supported for {output_format} output.")
    if output_format == "svg":
        _check_svg(values)
    if output_format == "gif" and "mask" in values:
        raise errors.invalid_value("mask", "A mask is not supported for gif output.")


def _check_svg(values: Mapping[str, Any]) -> None:
    if values.get("n", 1) != 1:
        raise errors.invalid_value("n", "svg output needs n to be 1.")
    svg = values.get("svg")
    if svg is None or "model" not in svg:
        raise errors.missing_parameter("svg.model")
    for name in svg:
        if name not in ("model", "reasoning"):
            raise errors.unknown_parameter(f"svg.{name}")
    _check_value("svg.model", svg["model"], Field(str, nullable=False))
    reasoning = svg.get("reasoning") or {}
    _check_value("svg.reasoning", reasoning, Field(dict))
    for name, value in reasoning.items():
        if name != "effort":
            raise errors.unknown_parameter(f"svg.reasoning.{name}")
        _check_value("svg.reasoning.effort", value, Field(str, _SVG_EFFORTS))


def _size(values: Mapping[str, Any], model: Model, output_format: str) -> tuple[int, int]:
    text = values.get("size", "auto")
    if model.sizes and text not in model.sizes:
        raise errors.invalid_choice("size", text, model.sizes)
    gif_edge = next(edge for frames, edge in GIF_EDGES if values.get("frame_count", 9) <= frames)
    if text == "auto":
        return (gif_edge, gif_edge) if output_format == "gif" else (1024, 1024)
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise errors.invalid_value("size", f"Invalid size '{text}'. Use 'auto' or WIDTHxHEIGHT.")
    width, height = int(match[1]), int(match[2])
    wrong = _gif_fault(width, height, gif_edge) if output_format == "gif" else _size_fault(width, height)
    if wrong:
        raise errors.invalid_value("size", f"Invalid size '{text}'. {wrong}")
    return width, height


def _gif_fault(width: int, height: int, edge: int) -> str | None:
    if width != height or width % 16 or width > edge:
        return f"GIF frames must be square, a multiple of 16 and at most {edge} pixels for this frame count."
    return None


def _size_fault(width: int, height: int) -> str | None:
    if width % 16 or height % 16:
        return "Width and height must both be divisible by 16."
    if max(width, height) > MAX_EDGE:
        return f"The longest edge must not exceed {MAX_EDGE} pixels."
    if max(width, height) > 3 * min(width, height):
        return "The aspect ratio must be between 1:3 and 3:1."
    if not MIN_PIXELS <= width * height <= MAX_PIXELS:
        return f"The image must have between {MIN_PIXELS} and {MAX_PIXELS} pixels."
    return None
