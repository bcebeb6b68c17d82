"""From a request of the past back to the panel's values."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ...core.errors import InvalidRequestError
from ...core.references.kinds import AUTO, DRAWN
from ...core.request.parameters import PARAMETERS, Parameter
from ...core.text.message import message
from ...core.workflows.library import name_kept
from ...core.workflows.values import join_values
from ..common import enum_items
from ..points import overlay
from ..points import values as points
from ..references import kinds
from . import model_notice, to_parameters

OWN = frozenset({"size", "surface_words", "textures_dir"})
"""Parameters that are not recalled as they stand: the folder belongs to the scene, not to a job."""


def fill_panel(values: Any, entry: Any, *, keep_images: bool = False) -> None:
    """Fill the panel with what a job was asked for.

    :param entry: its row of the journal.
    :param keep_images: references and mask stay: they are those of the job, and more than files.
    """
    request = vars(entry.request)
    wanted = {**request, **vars(entry.application)}
    values.prompt_text = None
    for row in PARAMETERS.values():
        if row.panel is not None and row.name not in OWN:
            _set(values, row, wanted[row.name])
    if to_parameters.is_surface(values):  # of others it was not asked, so the panel's own choice stays
        values.surface_words = wanted["surface_words"]
    model_notice.migrate_model(values)
    enum_items.set_size(values, wanted["size"])
    if not keep_images:
        _set_images(values, request, entry.application.edit_of or "")


def _set(values: Any, row: Parameter, value: Any) -> None:
    """What the panel does not offer, or can't leave out, stays as it is."""
    if value is None:
        value = row.unset
    elif row.many and row.choices:
        value = set(value) or None
    elif row.many:
        value = join_values(value)
    elif row.choices:
        value = str(value)
    elif row.is_kept:
        value = name_kept(value)
    if value is not None:
        with contextlib.suppress(TypeError):
            setattr(values, row.name, value)


def _set_images(values: Any, request: dict[str, Any], edit_of: str) -> None:
    values.references.clear()
    paths = request["references"]
    every_kind = (*request["reference_kinds"], *[AUTO] * len(paths))
    every_label = (*request["reference_labels"], *[""] * len(paths))
    for path, kind, label in zip(paths, every_kind, every_label, strict=False):
        if kind in DRAWN:  # a new one is drawn
            continue
        kinds.recall(_add_file(values, path), kind, label)
    if len(values.references):
        values.references[0].edit_of = edit_of
    mask = None if DRAWN & set(every_kind) else request["mask"]
    values.mask, values.mask_file = ("file", mask) if mask else ("none", "")
    values.use_markup = False
    points.recall(values, request["points"])
    overlay.sync()
    missing = [path for path in request["references"] if not Path(path).exists()]
    if missing:
        raise InvalidRequestError(
            message("The reference {name} is gone.", name=missing[0]), param="references"
        )


def _add_file(values: Any, path: str) -> Any:
    item = values.references.add()
    item.kind, item.file = "file", path  # its size is measured then
    return item
