"""Whether the workflow of a request can be read, before anything is sent."""

from __future__ import annotations

from pathlib import Path

from ...request.request import GenerationRequest
from ...workflows.file import read_workflow
from ...workflows.places import split_place
from ...workflows.values import split_setting


def find_hints(request: GenerationRequest) -> tuple[str, ...]:
    """See `providers.find_hints`.

    :raises InvalidRequestError: the workflow, or a value for it, can't be read.
    """
    if request.workflow is not None:
        read_workflow(Path(request.workflow))
        for text in request.workflow_values:
            split_setting(text)
        for text in request.workflow_places:
            split_place(text)
    return ()
