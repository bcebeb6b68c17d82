"""Upscaling of images that are there already: by a model in tiles, or by a resample without a request.

What scripts call is offered by `api`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.errors import InvalidRequestError
from ...core.jobs.job import Task
from ...core.text.message import Message, message
from .. import scheduler, session, settings
from ..material_maps import ImageSource
from .upscale_plan import UpscaleEstimate, UpscaleWork
from .upscale_task import Upscale, UpscaleResult


def upscale(picture: ImageSource, output: str | Path | None = None, **parameters: Any) -> UpscaleResult:
    """An image at 2, 4 or 8 times its size.

    Each pass doubles it: its parts are sent with overlaps, and their answers laid on a resample, which gives
    the colors and everything but the fine detail. A part whose answer is no sharper or does not match stays
    the resample, and that is said. Called again, it takes the answers that are stored and pays for the rest.

    :param picture: a path, an image data-block, or the name of one.
    :param output: file to write: png, or jpg or webp; a new image in Blender without it.
    :param parameters: ``scale`` is 2, 4 or 8. ``local`` only resamples: no network, no key, no cost.
        ``prompt`` says what the image shows; ``provider``, ``model``, ``quality``, ``max_cost`` (of all
        requests together) and ``retry_unknown`` are as for `submit`; ``overwrite`` replaces a file that has
        the name and was not made here from the same image.
    :raises InvalidRequestError: the image or a parameter can't be used.
    :raises GptImageError: a request can't be sent or failed; answers that came are stored.
    :raises StorageError: the file can't be written.
    """
    task = submit_upscale(picture, output, **parameters)
    task.finish_waiting()
    return upscale_result(task)


def submit_upscale(picture: ImageSource, output: str | Path | None = None, **parameters: Any) -> Task:
    """`upscale` in the background; `upscale_result` of the finished task says what was made."""
    work = UpscaleWork.of(picture, output, **parameters)
    found = settings.load()
    if not work.local:
        found.check_provider(work.request.provider)
    work.check_target()
    task = Upscale(title=message("Upscale {name}", name=work.name), pump=scheduler.drain, work=work)
    session.open_session(found).scheduler.show(task)
    task.start(found)
    return task


def upscale_result(task: Task) -> UpscaleResult:
    """What a finished task of `submit_upscale` made.

    :raises GptImageError: why there is nothing.
    """
    if not isinstance(task.applied, UpscaleResult):
        raise task.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(task.message))
        )
    return task.applied


def estimate_upscale(picture: ImageSource, **parameters: Any) -> UpscaleEstimate:
    """What `upscale` would take and cost; nothing is sent.

    :param parameters: as for `upscale`.
    :raises InvalidRequestError: the image or a parameter can't be used.
    """
    work = UpscaleWork.of(picture, None, **parameters)
    return work.estimate(settings.load(with_key=False))
