"""What scripts pass is what the annotations say, or an error that names it."""

from __future__ import annotations

import decimal
import enum
import inspect
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gpt_image_addon.core.common.arguments import PathText, check_types
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.journal.stored_values import read_values
from gpt_image_addon.core.request.request import Application, GenerationRequest

if TYPE_CHECKING:
    from fractions import Fraction


class Word(str, enum.Enum):  # noqa: UP042 - its str() is another text than its value
    LOW = "low"


@check_types
def call(
    prompt: str,
    *,
    n: int = 1,
    seamless: bool = False,
    strength: float = 1.0,
    limit: float | None = None,
    mask: PathText | None = None,
    folder: Path | str = "",
    file: Path | None = None,
    maps: Sequence[str] | None = None,
    references: tuple[PathText, ...] = (),
    sizes: tuple[tuple[int, int], ...] | None = None,
    states: Collection[JobState] = (),
    done: Callable[[int], None] | None = None,
    facts: Mapping[str, Any] | None = None,
    share: Fraction | None = None,
    **others: float,
) -> dict[str, Any]:
    """Every kind of parameter."""
    return locals()


TAKEN: list[tuple[str, Any, Any]] = [
    ("prompt", np.str_("oak"), "oak"),
    ("prompt", Word.LOW, "low"),
    ("n", np.int64(3), 3),
    ("n", np.array(3), 3),
    ("n", None, 1),
    ("seamless", 1, True),
    ("seamless", 0, False),
    ("seamless", np.bool_(True), True),
    ("strength", 2, 2.0),
    ("strength", np.float32(0.5), 0.5),
    ("strength", decimal.Decimal("0.5"), 0.5),
    ("limit", 1, 1.0),
    ("limit", None, None),
    ("mask", Path("a.png"), "a.png"),
    ("mask", PurePosixPath("a.png"), "a.png"),
    ("folder", "a", "a"),
    ("folder", Path("a"), Path("a")),
    ("file", "a", Path("a")),
    ("maps", "normal", ("normal",)),
    ("maps", ["normal", "height"], ("normal", "height")),
    ("maps", {"normal", "height"}, ("height", "normal")),
    ("maps", (each for each in ("normal",)), ("normal",)),
    ("maps", np.array(["normal"]), ("normal",)),
    ("references", Path("a.png"), ("a.png",)),
    ("references", ["a.png", Path("b.png")], ("a.png", "b.png")),
    ("sizes", [[1, 2]], ((1, 2),)),
    ("states", ["APPLIED"], (JobState.APPLIED,)),
    ("done", print, print),
    ("facts", {"a": 1}, {"a": 1}),
]

REFUSED: list[tuple[str, Any]] = [
    ("prompt", 5),
    ("prompt", b"oak"),
    ("prompt", ["oak"]),
    ("prompt", None),
    ("n", "2"),
    ("n", 2.0),
    ("n", True),
    ("n", 10**30),
    ("n", 10**5000),
    ("n", [1]),
    ("seamless", "no"),
    ("seamless", "false"),
    ("seamless", "true"),
    ("seamless", 2),
    ("seamless", []),
    ("strength", "1"),
    ("strength", math.nan),
    ("strength", math.inf),
    ("strength", True),
    ("strength", 1j),
    ("strength", 10**400),
    ("limit", "1.00"),
    ("mask", b"a.png"),
    ("mask", ""),
    ("mask", "a\0b"),
    ("mask", 5),
    ("folder", b"a"),
    ("file", 5),
    ("maps", 5),
    ("maps", {"normal": 1}),
    ("maps", b"normal"),
    ("maps", [b"normal"]),
    ("maps", [None]),
    ("references", [5]),
    ("references", [""]),
    ("sizes", "12"),
    ("sizes", [(1, 2, 3)]),
    ("states", "GONE"),
    ("done", "print"),
    ("facts", [1]),
    ("share", 0.5),
    ("weight", "heavy"),
]


@pytest.mark.parametrize(("name", "given", "taken"), TAKEN, ids=range(len(TAKEN)))
def test_what_is_meant_is_taken(name: str, given: Any, taken: Any) -> None:
    found = call(**{"prompt": "oak", name: given})[name]
    assert found == taken and type(found) is type(taken)


@pytest.mark.parametrize(("name", "given"), REFUSED, ids=range(len(REFUSED)))
def test_what_may_be_a_mistake_is_named(name: str, given: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        call(**{"prompt": "oak", name: given})
    error = caught.value
    assert (error.param, error.billed, error.exit_code) == (name, "no", 4)
    assert error.message.startswith(f"{name} must be ") and len(error.message) < 200


def test_a_class_that_only_type_checkers_load_is_known_by_its_name() -> None:
    from fractions import Fraction

    assert call("oak", share=Fraction(1, 2))["share"] == Fraction(1, 2)


def test_names_that_there_are_not_are_named_with_those_that_were_meant() -> None:
    for call_it, param, words in (
        (lambda: plain("oak", seemless=True), "seemless", "'seamless'"),
        (lambda: plain(), "prompt", "needs the parameter prompt"),
        (lambda: plain("oak", 5, 6), None, "can't be called like that"),
        (lambda: GenerationRequest.from_dict({"promt": "oak"}), "promt", "'prompt'"),
        (lambda: Application.from_dict({"object": "Cube"}), "object", "'object_name'"),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            call_it()
        assert caught.value.param == param and words in caught.value.text


@check_types
def plain(prompt: str, *, seamless: bool = False) -> str:
    return prompt


def test_signature_and_help_stay() -> None:
    assert list(inspect.signature(call).parameters)[:2] == ["prompt", "n"]
    assert call.__doc__ == "Every kind of parameter."


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (GenerationRequest, "n", "2"),
        (GenerationRequest, "seamless", "false"),
        (GenerationRequest, "prompt", b"oak"),
        (GenerationRequest, "references", 5),
        (GenerationRequest, "output_compression", 50.5),
        (Application, "normal_strength", math.nan),
        (Application, "composite", "no"),
        (Application, "view_matrix", "identity"),
        (Application, "textures_dir", b"folder"),
    ],
)
def test_requests_are_made_of_values_of_their_types(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        kind.from_dict({name: value})
    assert caught.value.param == name


def test_stored_values_come_back_as_they_were() -> None:
    request = GenerationRequest(prompt="oak", references=("a.png",), n=3, seamless=True)
    application = Application(maps=("normal",), view_matrix=(0.5,) * 16, texture_size=2.0)
    assert GenerationRequest.from_dict(request.to_dict()) == request
    assert Application.from_dict(application.to_dict()) == application


def test_stored_paths_are_values_of_their_type() -> None:
    for kind, values in (
        (Application, {"textures_dir": "/textures"}),
        (GenerationRequest, {"references": ["a.png"], "mask": "m.png", "markup": "u.png"}),
    ):
        assert read_values(kind, values) == kind.from_dict(values)
