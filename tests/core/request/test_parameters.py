"""The table of parameters: it says of each what the request and its application have."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.batch import manifest
from gpt_image_addon.core.batch.manifest import ALIASES, Manifest
from gpt_image_addon.core.common.arguments import PathText
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.providers.openai.fields import FIELDS
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.parameters import PARAMETERS, STRENGTHS
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.validation import check_choices

PLACES = {
    "object_uid",
    "object_uids",
    "scene_uid",
    "view_matrix",
    "camera_frame",
    "keeps_clear",
    "new_material",
    "projection",
    "overwrite",
}
"""What a result needs to find its way back, which nobody asks for by name."""


def annotations() -> dict[str, Any]:
    return {
        name: kind
        for cls in (GenerationRequest, Application)
        for name, kind in typing.get_type_hints(cls, include_extras=True).items()
    }


def defaults() -> dict[str, Any]:
    return {
        field.name: field.default
        for cls in (GenerationRequest, Application)
        for field in dataclasses.fields(cls)
    }


def described(kind: Any) -> tuple[Any, bool]:
    """The kind of one value, and whether there are many of them."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    if typing.get_origin(kind) is tuple:
        (kind, *rest) = typing.get_args(kind)
        return (described(kind)[0], True) if rest == [...] else (tuple, False)
    return (Path if kind == PathText else kind), False


def test_each_parameter_is_a_field_and_each_field_a_parameter() -> None:
    assert set(defaults()) - set(PARAMETERS) == PLACES
    assert set(PARAMETERS) <= set(defaults())


def test_kinds_and_defaults_are_those_of_the_fields() -> None:
    kinds, values = annotations(), defaults()
    assert {name: (row.kind, row.many) for name, row in PARAMETERS.items()} == {
        name: described(kinds[name]) for name in PARAMETERS
    }
    assert {name: row.default for name, row in PARAMETERS.items()} == {
        name: values[name] for name in PARAMETERS
    }


def test_what_rows_name_is_there() -> None:
    model = load_registry().models[0]
    for row in PARAMETERS.values():
        assert not row.needs or row.needs in PARAMETERS
        assert not row.model_values or isinstance(getattr(model, row.model_values), tuple)
        assert set(row.formats) <= set(PARAMETERS["output_format"].words)
        if row.choices and row.default not in (None, ()):
            assert str(row.default) in row.words, row.name


def test_the_order_of_the_fields_is_that_of_the_official_client() -> None:
    assert FIELDS[:3] == ("model", "stream", "prompt")
    assert list(FIELDS[3:]) == sorted(FIELDS[3:])
    assert "svg" in FIELDS and "svg_model" not in FIELDS and "seamless" not in FIELDS


@pytest.mark.parametrize("name", [row.name for row in PARAMETERS.values() if row.least is not None])
def test_ranges_hold(name: str) -> None:
    row = PARAMETERS[name]
    assert row.least is not None and row.most is not None
    for value in (row.least, row.most, None):
        check_choices({name: value})
    for value in (row.least - 1, row.most + 1):
        with pytest.raises(
            InvalidRequestError, match=f"{name} must be {row.least} to {row.most}, not {value}"
        ):
            check_choices({name: value})


@pytest.mark.parametrize(
    "name", [row.name for row in PARAMETERS.values() if row.choices and not row.model_values]
)
def test_choices_hold(name: str) -> None:
    row = PARAMETERS[name]
    check_choices({name: row.words if row.many else row.words[-1]})
    with pytest.raises(InvalidRequestError, match=f"{name} 'odd' is not known; use one of {row.words[0]}"):
        check_choices({name: ("odd",) if row.many else "odd"})


def test_manifests_offer_what_can_be_asked_for_by_name() -> None:
    assert ALIASES == {
        "reference": "references",
        "reference_kind": "reference_kinds",
        "reference_label": "reference_labels",
        "point": "points",
        "set": "workflow_values",
        "place": "workflow_places",
        "object": "object_name",
    }
    fields = {field.name for kind in (GenerationRequest, Application) for field in dataclasses.fields(kind)}
    assert fields - manifest.PARAMETERS == PLACES | {"textures_dir"}


def test_labels_of_references_are_a_list_in_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "prompt,reference,reference_labels\noak,a.png|b.png,the room|the style\nash,c.png,the wall\n"
    )
    found = [row.request.reference_labels for row in Manifest(path)]
    assert found == [("the room", "the style"), ("the wall",)]


def test_an_empty_label_in_a_manifest_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "prompt,reference,reference_kind,reference_label\noak,a.png|b.png,none|style,|a still life\n"
    )
    (row,) = Manifest(path)
    assert row.request.reference_kinds == ("none", "style")
    assert row.request.reference_labels == ("", "a still life")


def test_strengths_are_parameters_of_maps() -> None:
    assert STRENGTHS == ("normal_strength", "height_strength", "ao_strength", "roughness_contrast")
    flags = [PARAMETERS[name].flag for name in STRENGTHS]
    assert {flag.group for flag in flags if flag is not None} == {"maps"}
