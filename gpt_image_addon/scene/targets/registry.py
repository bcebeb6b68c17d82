"""From a prepared result to the scene, by target. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import bpy

from ...core.errors import SceneError
from ...core.request.map_kinds import MAP_KINDS
from ...core.request.request import Application, check_application
from ...core.results.store import Facts, ImageFile, PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from .. import display, prepared_images
from ..context import find_scene, view_layer_of
from ..images import EXTENSIONS, add_image, make_image
from ..shading import slots, uv
from ..shading.nodes import image_nodes
from ..transaction import Transaction
from . import material as materials
from . import plane as planes
from . import texture
from .receiver import find_receiver, why_deferred


@dataclass(frozen=True)
class Applied:
    """What a result became in the file."""

    images: tuple[str, ...]
    """Names of image data-blocks, one a picture; the base colour of a material stands for its picture."""
    material: str | None = None
    object: str | None = None
    messages: tuple[str, ...] = ()
    """Sentences that the user should read."""
    map_images: tuple[str, ...] = ()
    """Names of the image data-blocks of a material's other maps, in the order of the table of kinds."""


class Deferred(Exception):  # noqa: N818 - nothing went wrong: the result waits
    """The result can't be applied right now; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """One sentence for people."""


def apply(prepared: PreparedResult, application: Application) -> Applied:
    """Put a result into the scene, wholly or not at all.

    :raises Deferred: it can't be done right now.
    :raises SceneError: it can't be done; the file is as it was.
    :raises InvalidRequestError: an unknown target.
    """
    check_application(application)
    if not prepared.pictures:
        raise SceneError("The result holds no picture.")
    if not any(picture.has_pixels for picture in prepared.pictures):
        return Applied(())
    reason = why_deferred(application)
    if reason:
        raise Deferred(reason)
    with Transaction() as changes:
        try:
            applied = _TARGETS[application.target](prepared, application, changes)
        except (RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:
            raise SceneError(message("Blender refused the result: {reason}", reason=error)) from error
    _show(applied, application)
    return applied


def prepare_images(prepared: PreparedResult, application: Application) -> Iterator[ImageFile | None]:
    """Make the images that `apply` will use; nothing that was there before is touched.

    Ends early where the result can't be applied right now; `apply` then says why.

    :returns: by turns a picture whose image is made next, and None when it is made.
    """
    for picture, is_data in _pictures_of(prepared, application):
        if picture.format in EXTENSIONS:
            yield picture
            if why_deferred(application):
                return
            prepared_images.add_prepared(picture, make_image(picture, prepared.facts, is_data=is_data))
            yield None


def _pictures_of(prepared: PreparedResult, application: Application) -> Iterator[tuple[ImageFile, bool]]:
    """Each picture that becomes an image, and whether it is numbers rather than colours."""
    if application.target == "material":
        maps = {"base_color": prepared.pictures[0], **prepared.maps}
        yield from ((maps[kind.name], kind.is_data) for kind in MAP_KINDS if kind.name in maps)
    rest = prepared.pictures[1:] if application.target == "material" else prepared.pictures
    yield from ((picture, False) for picture in rest)


def _apply_image(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    return Applied(tuple(_keep(prepared.pictures, prepared.facts, changes)))


def _apply_texture(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    obj, messages = _receiver(application)
    picture, *rest = prepared.pictures
    image = changes.made(add_image(picture, prepared.facts))
    coordinates, told = uv.coordinates_for(obj, changes) if obj else (uv.UV, None)
    messages += [told] if told else []
    material, told_material = texture.texture_material(obj, _name(prepared, application), changes)
    _, told_wiring = texture.wire(
        material, image, changes, coordinates=coordinates, engine=_engine(application)
    )
    messages += told_material + told_wiring
    if picture.has_alpha:
        messages.append(
            message("'{image}' is partly transparent; link its Alpha output to show that.", image=image.name)
        )
    return _finish(obj, material, image, rest, prepared, messages, changes)


def _apply_material(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    obj, messages = _receiver(application)
    picture, *rest = prepared.pictures
    coordinates, told = uv.coordinates_for(obj, changes) if obj else (uv.UV, None)
    messages += [told] if told else []
    look = materials.Look(
        coordinates,
        uv.metres_per_unit(obj, coordinates) if obj else 1.0,
        application.texture_size,
        application.displacement,
    )
    maps = {"base_color": picture, **prepared.maps}
    material, images = materials.build_material(
        _name(prepared, application), maps, prepared.facts, changes, look=look
    )
    if obj:
        slots.assign(obj, material, changes)
    base = images.pop("base_color")
    applied = _finish(obj, material, base, rest, prepared, messages, changes)
    return dataclasses.replace(applied, map_images=tuple(image.name for image in images.values()))


def _apply_plane(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    made, images = [], []
    for picture in prepared.pictures:
        name = safe_name(application.name or picture.name)
        image = changes.made(add_image(picture, prepared.facts))
        material = changes.made(bpy.data.materials.new(name))
        node, _ = texture.wire(material, image, changes)
        if picture.has_alpha:
            texture.wire_alpha(material, node, changes)
        plane = planes.add_plane(name, picture.width / picture.height, planes.collection_for(scene), changes)
        plane.data.materials.append(material)
        made.append(plane)
        images.append(image.name)
    planes.place_in_row(made, scene, application)
    if not bpy.app.background:
        planes.activate(made, view_layer_of(scene))
    told = planes.why_unseen(made[0], view_layer_of(scene))
    return Applied(tuple(images), made[0].active_material.name, made[0].name, (told,) if told else ())


_TARGETS: Mapping[str, Callable[[PreparedResult, Application, Transaction], Applied]] = {
    "image": _apply_image,
    "texture": _apply_texture,
    "plane": _apply_plane,
    "material": _apply_material,
}


def _engine(application: Application) -> str:
    """The render engine that counts where the result goes."""
    scene = find_scene(application)
    return str(scene.render.engine) if scene else ""


def _name(prepared: PreparedResult, application: Application) -> str:
    return safe_name(application.name or prepared.pictures[0].name)


def _receiver(application: Application) -> tuple[bpy.types.Object | None, list[str]]:
    """The object that takes the result, and a sentence when there is none."""
    obj, problem = find_receiver(application)
    return obj, [
        message("{problem} The new material is kept with a fake user.", problem=problem)
    ] if problem else []


def _keep(pictures: tuple[ImageFile, ...] | list[ImageFile], facts: Facts, changes: Transaction) -> list[str]:
    """Images that nothing uses: a fake user keeps them in the file."""
    names = []
    for picture in pictures:
        image = changes.made(add_image(picture, facts))
        image.use_fake_user = True
        names.append(image.name)
    return names


def _finish(
    obj: bpy.types.Object | None,
    material: bpy.types.Material,
    image: bpy.types.Image,
    rest: list[ImageFile],
    prepared: PreparedResult,
    messages: list[str],
    changes: Transaction,
) -> Applied:
    if obj is None:
        changes.set(material, "use_fake_user", True)
    else:
        unseen = slots.why_unseen(obj, material)
        messages += [unseen] if unseen else []
    kept = _keep(rest, prepared.facts, changes)
    if kept:
        messages.append(
            message(
                "The other pictures are in the file as images: {names}.", names=slots.names_for_people(kept)
            )
        )
    return Applied((image.name, *kept), material.name, obj.name if obj else None, tuple(messages))


def _show(applied: Applied, application: Application) -> None:
    scene = find_scene(application)
    display.show_image(bpy.data.images[applied.images[0]])
    if applied.object and scene:
        display.show_materials(scene)


def swap(applied: Applied, number: int) -> None:
    """Let the material show another picture of the same result; all of them stay in the file.

    :param number: 0 for the first.
    :raises SceneError: picture or material are gone.
    """
    images = [bpy.data.images.get(name) for name in applied.images]
    chosen = images[number] if 0 <= number < len(images) else None
    material = bpy.data.materials.get(applied.material) if applied.material else None
    if chosen is None or material is None or material.node_tree is None:
        raise SceneError("The picture or the material is no longer in this file.")
    for node in image_nodes(material.node_tree):
        if node.image in images:
            node.image.use_fake_user = True
            node.image = chosen
