"""Materials that follow their base color when it is upscaled: their other maps are made anew from it.

Only maps that were made here: what users linked themselves stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core.errors import GptImageError
from ...core.request.parameters import STRENGTHS
from ...core.request.request import Application
from ...core.text.message import Message, message
from .. import session, settings

if TYPE_CHECKING:
    from ...core.imaging.decoding import Pixels
    from ...core.results.store import ImageFile
    from ...core.textures.writer import MapOptions
    from ...scene.transaction import Transaction


@dataclass(frozen=True)
class ShownIn:
    """A material that shows an image as its base color, beside maps that were made here."""

    uid: int
    """`session_uid`."""
    name: str
    options: MapOptions


@dataclass(frozen=True)
class FollowingMaps:
    """The maps of a material, made from its larger base color."""

    shown_in: ShownIn
    maps: Mapping[str, ImageFile]
    """By kind; empty where they can't be made."""
    problem: str = ""


def find_materials(image: bpy.types.Image) -> tuple[ShownIn, ...]:
    """The materials of this file whose maps follow an image; main thread only."""
    from ...core.textures.writer import map_options
    from ...scene.targets.material import find_by_base_color, made_with

    found = []
    for material, kinds in find_by_base_color(image):
        prompt, application = _asked_for(material)
        made = {name: getattr(application, name) for name in STRENGTHS} | made_with(material)
        strengths = {name: float(made[name]) for name in STRENGTHS}
        size = made.get("texture_size", application.texture_size)
        options = map_options(
            kinds, prompt, strengths, relief=made.get("relief", application.relief), metres=size
        )
        found.append(ShownIn(material.session_uid, material.name, options))
    return tuple(found)


def _asked_for(material: bpy.types.Material) -> tuple[str, Application]:
    """What is known of the request that a material came from."""
    from ...scene.targets.material import JOB

    entry = session.journal(settings.load(with_key=False)).entry(str(material.get(JOB, "")))
    if entry is None:
        return material.name, Application(target="material")
    return entry.request.prompt, entry.application


def make_maps(pixels: Pixels, name: str, materials: Sequence[ShownIn]) -> tuple[FollowingMaps, ...]:
    """Make the maps of materials; runs in any thread.

    :param pixels: (height, width, channels) of the base color, 8 or 16 bits.
    :param name: what the images are called, before their kind.
    """
    from ...core.textures.writer import maps_of_pixels

    made = []
    for one in materials:
        try:
            maps, _ = maps_of_pixels(
                pixels, Path(), name, one.options, seamless=False, write=lambda path, data: path
            )
        except GptImageError as error:
            made.append(FollowingMaps(one, {}, error.text))
            continue
        wanted = {kind: maps.maps[kind] for kind in one.options.kinds if kind in maps.maps}
        made.append(FollowingMaps(one, wanted))
    return tuple(made)


STAYED = Message("The maps of '{material}' stay as they were: {problem}")


def put_into_materials(
    image: bpy.types.Image, before: int, made: Sequence[FollowingMaps], changes: Transaction
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Show the larger image and its maps in the materials, on every face that has them; main thread only.

    :param before: `session_uid` of the image that was upscaled.
    :returns: names of the materials that follow, and what the user should know.
    """
    from ...scene.targets.material import replace_base_color, replace_maps

    names, told = [], []
    for one in made:
        material = next((m for m in bpy.data.materials if m.session_uid == one.shown_in.uid), None)
        if material is None:
            continue
        if not one.maps:
            told.append(message(STAYED, material=material.name, problem=Message.of(one.problem)))
            continue
        if replace_base_color(material, before, image, changes):
            facts = {"job": image["gpt_image_job"]} if "gpt_image_job" in image else {}
            replace_maps(material, {kind: _named(file) for kind, file in one.maps.items()}, facts, changes)
            names.append(material.name)
    return tuple(names), tuple(told)


def _named(file: ImageFile) -> ImageFile:
    """Without a folder: it lies in the .blend alone."""
    return dataclasses.replace(file, file=Path(file.file).name)
