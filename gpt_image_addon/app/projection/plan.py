"""From objects and views to a request that shows the model its guides; nothing is changed, nothing sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.projection import ALL, SELECTED, Projection, Receiver
from ...core.references.kinds import AUTO, GUIDE, SHEET
from ...core.references.views import is_all_around
from ...core.request.parameters import NO_OBJECT, PAINTED
from ...core.request.providers import find_provider
from ...core.request.request import Application, GenerationRequest
from ...core.request.sizes import SizeRule, format_size
from ...core.request.validation import check_application
from ...core.text.message import message
from ...core.text.names import safe_name
from ...scene.context import find_scene, view_layer_of
from ...scene.projection import cameras
from ...scene.projection.canvases import Canvases, find_objects, plan_canvases
from ...scene.targets.receiver import find_object
from .views import choose_sides, read_views

if TYPE_CHECKING:
    from ...core.painting.projection import PaintedMask
    from ...core.projection.surface import Triangles

PaintedObjects: TypeAlias = str | bpy.types.Object | Sequence[str | bpy.types.Object]
"""Objects, or their names."""
LEAST_SEEN = 16  # pixels of a guide that show what is painted: with fewer there is nothing to paint


def name_objects(objects: PaintedObjects) -> tuple[str, ...]:
    """The names of objects."""
    several = objects if isinstance(objects, list | tuple) else (objects,)
    return tuple(obj if isinstance(obj, str) else str(getattr(obj, "name", obj)) for obj in several)


@dataclass(frozen=True)
class PlannedProjection:
    """A request that shows a model what it is to paint."""

    request: GenerationRequest
    application: Application
    notes: tuple[str, ...]
    """What the user should know before it is sent."""


def plan_projection(
    request: GenerationRequest,
    application: Application,
    rule: SizeRule,
    write: Callable[[Any], str],
) -> PlannedProjection:
    """The request with its guides, and the application with the views that it is projected from.

    :param rule: the sizes that the model takes.
    :param write: writes pixels to a file; its path comes back.
    :raises InvalidRequestError: it can't be projected.
    """
    painting = plan_painting(request, application, rule)
    projection = painting.projection
    if is_sequence(application, projection):
        raise InvalidRequestError(
            "Painting one view after another takes several requests.",
            code="unsupported",
            param="in_sequence",
            next_step="Use texture_model in Python, or the command texture.",
        )
    guided = _add_guides(request, projection, painting.triangles, application.guides, write)
    placed = dataclasses.replace(place_on(application, painting), projection=projection.to_text())
    return PlannedProjection(guided, placed, list_notes(painting.canvases, projection))


def is_sequence(application: Application, projection: Projection) -> bool:
    """Whether each view is a request of its own: a draft follows no view, and one alone needs no other."""
    return application.in_sequence and len(projection.views) > 1 and projection.aligned


def place_on(application: Application, painting: Painting) -> Application:
    """An application that names what is painted, so that nothing else is, whatever is active then."""
    objects = painting.objects
    return dataclasses.replace(
        application,
        objects=tuple(obj.name for obj in objects),
        object_name=None,
        object_uid=objects[0].session_uid,
        object_uids=tuple(obj.session_uid for obj in objects) if len(objects) > 1 else (),
        scene_uid=application.scene_uid or painting.scene.session_uid,
    )


def plan_views(request: GenerationRequest, application: Application, rule: SizeRule) -> Projection:
    """From where `plan_projection` would show what is painted; no guide is drawn.

    :raises InvalidRequestError: it can't be projected.
    """
    return plan_painting(request, application, rule).projection


@dataclass(frozen=True)
class Painting:
    """What is painted, and from where it is seen."""

    scene: bpy.types.Scene
    objects: list[bpy.types.Object]
    canvases: Canvases
    triangles: Triangles
    projection: Projection


def plan_painting(request: GenerationRequest, application: Application, rule: SizeRule) -> Painting:
    """What a request paints; no guide is drawn.

    :raises InvalidRequestError: it can't be projected.
    """
    from ...core.painting.guides import make_view
    from ...core.painting.masks import lay_masks, list_tiles
    from ...core.projection.surface import restrict
    from ...core.projection.viewpoints import measure_coverage
    from ...scene.projection.meshes import collect_faces

    _check_parameters(request, application)
    scene = find_scene(application) or bpy.context.scene  # one that is gone is told by `check_receiver`
    objects = find_objects(scene, _find_names(scene, application))
    is_draft, is_part = find_provider(request.provider).is_draft, application.faces != ALL
    masks = _read_masks(objects, scene.render.engine) if application.faces == PAINTED else ()
    tiles = list_tiles(masks)
    objects = [obj for obj in objects if obj.name in tiles] if masks else objects
    canvases = plan_canvases(
        objects,
        name=safe_name(application.name or request.prompt),
        new_image=application.new_image,
        texture_size=application.image_size,
        engine=scene.render.engine,
        selected=application.faces == SELECTED,
        tiles=tiles if masks else None,
    )
    asked = application.views or (cameras.CAMERA if bpy.app.background else cameras.VIEW)
    as_shown, is_alone = asked == cameras.VIEW, is_all_around(asked)
    triangles = collect_faces(view_layer_of(scene), canvases.painted, all_shown=as_shown, is_alone=is_alone)
    if masks:
        places = [(canvas.objects, canvas.tile, canvas.size) for canvas in canvases.images]
        triangles = restrict(triangles, lay_masks(masks, places))
    if is_alone:
        chosen = choose_sides(
            triangles,
            asked,
            request.size,
            rule,
            is_draft=is_draft,
            is_part=is_part,
            in_sequence=application.in_sequence,
        )
    else:
        chosen = read_views(scene, asked, request.size, rule, in_sequence=application.in_sequence)
    share = chosen.share
    if share is None:
        share = measure_coverage(triangles, tuple(map(make_view, chosen.views)))
    is_whole = is_alone and not is_part
    projection = Projection(
        views=chosen.views,
        sent_size=chosen.sent_size,
        objects=tuple(Receiver(obj.name, _list_rows(obj.matrix_world)) for obj in objects),
        as_shown=as_shown,
        is_alone=is_alone,
        aligned=not is_draft,
        replace_all=is_whole,
        fill_gaps=is_whole,
        surface_maps=is_whole and application.surface_maps,
        match_colors=len(chosen.views) > 1,
        shown_share=share,
        faces=application.faces,
        masks=masks,
        new_image=application.new_image,
        texture_size=application.image_size,
        feather=application.feather,
    )
    return Painting(scene, objects, canvases, triangles, projection)


def _read_masks(objects: Sequence[bpy.types.Object], engine: str) -> tuple[PaintedMask, ...]:
    from ...scene.projection.painted_masks import read_masks

    return read_masks(objects, engine)


def _check_parameters(request: GenerationRequest, application: Application) -> None:
    check_application(application)
    if request.mask is not None or request.markup is not None or request.points:
        raise InvalidRequestError(
            "A mask, a markup or points can't go with a model that is painted.",
            param="mask",
            next_step="To paint a part of it, select its faces in Edit Mode.",
        )


def _find_names(scene: bpy.types.Scene, application: Application) -> tuple[str, ...]:
    """The objects that an application names, or the active one.

    :raises InvalidRequestError: there is none.
    """
    if application.objects:
        return application.objects
    if application.object_name:
        return (application.object_name,)
    if application.object_uids:
        uids = set(application.object_uids)
        return tuple(obj.name for obj in scene.objects if obj.session_uid in uids)
    obj = find_object(application) if application.object_uid != NO_OBJECT else None
    if obj is None:
        raise InvalidRequestError(
            "No object was named that could be painted.",
            code="no_such_object",
            param="objects",
            next_step="Select one, or name it.",
        )
    return (obj.name,)


def _add_guides(
    request: GenerationRequest,
    projection: Projection,
    triangles: Triangles,
    guides: Sequence[str],
    write: Callable[[Any], str],
) -> GenerationRequest:
    """The request with the guides before its own references.

    :raises InvalidRequestError: a view shows nothing that is painted.
    """
    from ...core.painting.guides import describe_tiles, draw_guides

    drawn = draw_guides(triangles, projection, guides, prompt=request.prompt)
    check_seen(projection, drawn.painted_pixels)
    own = len(request.references)
    kinds = (*request.reference_kinds, *[AUTO] * own)[:own]
    labels = (describe_tiles(projection), *[""] * len(guides), *request.reference_labels, *[""] * own)
    return dataclasses.replace(
        request,
        references=(*map(write, drawn.images), *request.references),
        reference_kinds=(SHEET if len(projection.views) > 1 else GUIDE, *guides, *kinds),
        reference_labels=labels[: 1 + len(guides) + own] if any(labels) else (),
        size=format_size(*projection.sent_size),
    )


def check_seen(projection: Projection, painted_pixels: Sequence[int]) -> None:
    """
    :param painted_pixels: of each view, how many of its pixels show what is painted.
    :raises InvalidRequestError: one shows nothing of it.
    """
    for view, seen in zip(projection.views, painted_pixels, strict=True):
        if seen < LEAST_SEEN:
            raise InvalidRequestError(
                message("The view '{view}' shows nothing of what is to be painted.", view=view.name),
                code="not_seen",
                param="views",
                next_step="Turn it to the object, or choose another view.",
            )


def list_notes(canvases: Canvases, projection: Projection) -> tuple[str, ...]:
    """What the user should know before it is sent."""
    notes = list(canvases.notes)
    edge = max(max(view.rectangle[2:]) for view in projection.views)
    flattened = [canvas for canvas in canvases.images if canvas.by_nodes]
    if flattened and not projection.hides_all:
        from ...scene.projection.flattening import tell_before

        notes.append(tell_before(flattened))
    finest = max(max(canvas.size) for canvas in canvases.images)
    if finest > 2 * edge:
        notes.append(
            message(
                "The texture has {texture} pixels a side, the image {image}: a larger one has more detail.",
                texture=finest,
                image=edge,
            )
        )
    return tuple(notes)


def _list_rows(matrix: Any) -> tuple[float, ...]:
    return tuple(float(value) for row in matrix for value in row)
