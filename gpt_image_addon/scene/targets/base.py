"""What a target is, and what several of them share. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import bpy

from ...core.request.request import Application
from ...core.results.store import Facts, ImageFile, PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from ..context import find_scene
from ..images import add_image
from ..shading import shared, slots
from ..transaction import Transaction
from .receiver import find_receivers


@dataclass(frozen=True)
class Applied:
    """What a result became in the file."""

    images: tuple[str, ...]
    """Names of image data-blocks, one a file; the base colour of a material stands for its file."""
    material: str | None = None
    object: str | None = None
    """The first of `objects`."""
    messages: tuple[str, ...] = ()
    """Sentences that the user should read."""
    materials: tuple[str, ...] = ()
    """Names of the materials that show the other images, in their order; where each has one."""
    map_images: tuple[str, ...] = ()
    """Names of the image data-blocks of a material's other maps, in the order of the table of kinds."""
    objects: tuple[str, ...] = ()
    """Names of all objects that got it, or were made."""
    shared: tuple[str, ...] = ()
    """Names of the other materials that show the same image as `material`."""


class Deferred(Exception):  # noqa: N818 - nothing went wrong: the result waits
    """The result can't be applied right now; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """One sentence for people."""


def colors_of(prepared: PreparedResult) -> Iterator[tuple[ImageFile, bool]]:
    """Every image, as colour; see `Target.images`."""
    return ((image_file, False) for image_file in prepared.images)


@dataclass(frozen=True)
class Target:
    """The code of a target; its traits are in its row, see `request.targets`."""

    apply: Callable[[PreparedResult, Application, Transaction], Applied]
    """Puts a result into the scene, wholly or not at all."""
    images: Callable[[PreparedResult], Iterable[tuple[ImageFile, bool]]] = colors_of
    """Each image file that becomes a data-block, and whether it is numbers rather than colours."""
    gather: Callable[[PreparedResult, Application], Callable[[], PreparedResult]] | None = None
    """Reads what a result is worked into; what it returns does that, in any thread, before `apply`."""


def name_of(prepared: PreparedResult, application: Application) -> str:
    """What its data-blocks are called."""
    return safe_name(application.name or prepared.images[0].name)


def engine_of(application: Application) -> str:
    """The render engine that counts where the result goes."""
    scene = find_scene(application)
    return str(scene.render.engine) if scene else ""


def receivers_of(application: Application) -> tuple[tuple[bpy.types.Object, ...], list[str]]:
    """The objects that take the result; and a sentence when there is none, or when some were left out."""
    found = find_receivers(application)
    if found.problem:
        kept = message("{problem} The new material is kept with a fake user.", problem=found.problem)
        return (), [kept]
    return found.objects, list(found.told)


def keep_images(image_files: Sequence[ImageFile], facts: Facts, changes: Transaction) -> list[str]:
    """Images that nothing uses, by name: a fake user keeps them in the file."""
    names = []
    for image_file in image_files:
        image = changes.made(add_image(image_file, facts))
        image.use_fake_user = True
        names.append(image.name)
    return names


def finish_material(
    worn: Sequence[tuple[bpy.types.Object, bpy.types.Material]],
    material: bpy.types.Material,
    image: bpy.types.Image,
    prepared: PreparedResult,
    messages: list[str],
    changes: Transaction,
) -> Applied:
    """What became of a result whose first image a material shows; the others are kept as data-blocks.

    :param worn: the objects that got it, each with its material.
    :param material: that of the first of them.
    :param image: the first image.
    :param messages: gets what the user should know beside.
    """
    if not worn:
        changes.set(material, "use_fake_user", True)
    unseen = [slots.why_unseen(obj, own) for obj, own in worn]
    messages += shared.first_few([told for told in unseen if told])
    kept = keep_images(prepared.images[1:], prepared.facts, changes)
    if kept:
        names = slots.names_for_people(kept)
        messages.append(message("The other images are in the file as well: {names}.", names=names))
    objects = tuple(obj.name for obj, _ in worn)
    materials = dict.fromkeys(own.name for _, own in worn)
    return Applied(
        (image.name, *kept),
        material.name,
        objects[0] if objects else None,
        tuple(messages),
        objects=objects,
        shared=tuple(name for name in materials if name != material.name),
    )
