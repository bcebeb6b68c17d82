"""Versions of a result in the open file: which one is shown, and another one in its place."""

from __future__ import annotations

from typing import Any

from ...core.request.targets import find_target
from .. import results
from ..apply_queue import push_undo
from ..history import look_at_journal
from ..inpainting import image_of


def show_version(job: str, **application: Any) -> tuple[str, ...]:
    """Put another version in the place of the one that the file shows, as one step of undo.

    At once, where the file has it or needs only its image; a material that left the file is made again.

    :param application: parameters of `Application`, as for `results.apply`, for a version that is put anew.
    :returns: what the user should know.
    :raises GptImageError: there is no such job, or its files are gone.
    """
    from ...core.versions.chain import find_family
    from ...scene import display
    from ...scene.targets import versions

    with look_at_journal() as journal:
        jobs = find_family(journal, job)
    if find_target(results.entry(job).application.target).maps:
        material = results.material_of(job)
        if material is None:
            results.apply(job, **application)
            return ()
        told = versions.show_material(material, image_of(job), jobs)
        push_undo(material.name)
        return tuple(told)
    image = image_of(job)
    told = versions.show_version(image, jobs)
    display.show_image(image)
    push_undo(image.name)
    return tuple(told)
