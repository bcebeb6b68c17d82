"""From a prepared result to the scene, by target. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

import bpy

from ...core.errors import SceneError
from ...core.request.request import Application
from ...core.request.targets import TARGETS
from ...core.request.validation import check_application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import message
from .. import display, prepared_images
from ..context import find_scene
from ..images import EXTENSIONS, KIND, make_image
from ..shading.nodes import image_nodes
from ..transaction import Transaction
from .base import Applied, Deferred, Target
from .receiver import why_deferred


def apply(
    prepared: PreparedResult, application: Application, *, turn_views: bool = False, show_first: bool = False
) -> Applied:
    """Put a result into the scene, wholly or not at all.

    :param turn_views: turn Solid 3D views to Material Preview, where something in them gets a material.
    :param show_first: turn them where no material of the file showed an image before.
    :raises Deferred: it can't be done right now.
    :raises SceneError: it can't be done; the file is as it was.
    :raises InvalidRequestError: an unknown target.
    """
    check_application(application)
    if not prepared.images:
        raise SceneError("The result holds no image.")
    takes_drawings = application.target in TARGETS and TARGETS[application.target].is_drawing
    if not takes_drawings and not any(image_file.has_pixels for image_file in prepared.images):
        return Applied(())
    reason = why_deferred(application)
    if reason:
        raise Deferred(reason)
    turn_views = turn_views or (show_first and not _has_images())
    with Transaction() as changes:
        try:
            applied = load_target(application.target).apply(prepared, application, changes)
        except (RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:
            raise SceneError(message("Blender refused the result: {reason}", reason=error)) from error
    _show(applied, application, turn_views)
    return applied


def gather(prepared: PreparedResult, application: Application) -> Callable[[], PreparedResult] | None:
    """What is still to be done with a result, in any thread, before `apply`; None where nothing is.

    :raises Deferred: the scene can't be read right now.
    :raises SceneError: it can't be done.
    """
    found = load_target(application.target).gather if application.target in TARGETS else None
    if found is None or not prepared.images:
        return None
    reason = why_deferred(application)
    if reason:
        raise Deferred(reason)
    return found(prepared, application)


def prepare_images(prepared: PreparedResult, application: Application) -> Iterator[ImageFile | None]:
    """Make the images that `apply` will use; nothing that was there before is touched.

    Ends early where the result can't be applied right now; `apply` then says why.

    :returns: by turns an image file whose data-block is made next, and None when it is made.
    """
    if application.target not in TARGETS:
        return
    for image_file, is_data in load_target(application.target).images(prepared):
        if image_file.format in EXTENSIONS and not prepared_images.is_prepared(image_file):
            yield image_file
            if why_deferred(application):
                return
            prepared_images.add_prepared(image_file, make_image(image_file, prepared.facts, is_data=is_data))
            yield None


def import_ahead(prepared: PreparedResult, application: Application) -> None:
    """Have the images of a result in the file while it waits for more; `apply` then uses them.

    Material maps but the base color are left out.
    """
    for image_file, is_data in load_target(application.target).images(prepared):
        if image_file.format in EXTENSIONS and not is_data:
            image = make_image(image_file, prepared.facts)
            image.use_fake_user = True
            prepared_images.add_prepared(image_file, image)
            display.show_image(image)


def load_target(name: str) -> Target:
    """The code of a target that is in the table."""
    found: Target = import_module(TARGETS[name].module, __package__).TARGET
    return found


def _has_images() -> bool:
    """Whether some material of the file shows an image."""
    trees = filter(None, (material.node_tree for material in bpy.data.materials))
    return any(node.image for tree in trees for node in image_nodes(tree))


def _show(applied: Applied, application: Application, turn_views: bool) -> None:
    scene = find_scene(application)
    if applied.images:
        display.show_image(bpy.data.images[applied.images[0]])
    if turn_views and applied.object and scene:
        display.show_materials(scene)


def swap(applied: Applied, number: int) -> None:
    """Let the material show another image of the same result; all of them stay in the file.

    Where another material of the result shows that one, it gets in exchange what was shown before.

    :param number: 0 for the first.
    :raises SceneError: image or material are gone, or none is shown alone.
    """
    if not applied.images:
        raise SceneError("All images of this result are in use at once; there is none to change to.")
    images = [bpy.data.images.get(name) for name in applied.images]
    chosen = images[number] if 0 <= number < len(images) else None
    material = bpy.data.materials.get(applied.material) if applied.material else None
    if chosen is None or material is None or material.node_tree is None:
        raise SceneError("The image or the material is no longer in this file.")
    alike = [material, *filter(None, map(bpy.data.materials.get, applied.shared))]
    shown = [
        node
        for tree in filter(None, (one.node_tree for one in alike))
        for node in image_nodes(tree)
        if node.image in images or node.get(KIND) == "base_color"
    ]
    before = next((node.image for node in shown), chosen)
    for node in shown:
        if node.image in images:
            node.image.use_fake_user = True
        node.image = chosen
    for other in filter(None, map(bpy.data.materials.get, applied.materials)):
        for node in image_nodes(other.node_tree) if other.node_tree else ():
            node.image = before if node.image == chosen else node.image
