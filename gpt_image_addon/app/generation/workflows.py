"""Workflows of a server: those that are kept by name, and what one takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ...core.request.providers import PROVIDERS
from ...core.workflows import library
from ...core.workflows.description import Description
from ...core.workflows.library import KeptWorkflow
from .. import blend_paths, settings

RUNS_WORKFLOWS = next(name for name, info in PROVIDERS.items() if info.workflow_model)


def workflows() -> dict[str, Path]:
    """The workflows that are kept, by name: their files."""
    return {name: row.file for name, row in library.kept_workflows().items()}


def keep_workflow(file: Path | str, name: str, places: Sequence[str] = ()) -> KeptWorkflow:
    """Keep a workflow by a name, which `generate` takes for its path from then on.

    :param file: one in ComfyUI's API format, or an image with its workflow, or the name of one that is kept.
    :param name: small letters, digits, ``-`` and ``_``; another workflow of that name is replaced.
    :param places: what goes where in it, each as ``role=Title.input``.
    :raises InvalidRequestError: it is no workflow, or the name can't be used.
    :raises StorageError: the state folder can't be written.
    """
    return library.keep_workflow(find_file(file), name, places)


def drop_workflow(name: str) -> None:
    """Forget a workflow that is kept.

    :raises InvalidRequestError: there is none of that name.
    :raises StorageError: it can't be deleted.
    """
    library.drop_workflow(name)


def describe_workflow(
    workflow: Path | str, places: Sequence[str] = (), provider: str = RUNS_WORKFLOWS
) -> Description:
    """What of a request goes where in a workflow, and what it has beyond that, as the server says it.

    Without a server only what the file says. Asking costs nothing.

    :param workflow: the name of one that is kept, or a file.
    :param places: what goes where, each as ``role=Title.input``.
    :raises InvalidRequestError: it can't be used there.
    :raises ConfigurationError: nothing may be sent.
    """
    return prepare_description(workflow, places, provider)()


def prepare_description(
    workflow: Path | str, places: Sequence[str] = (), provider: str = RUNS_WORKFLOWS
) -> Callable[[], Description]:
    """`describe_workflow` for any thread. Main thread only."""
    from ...core.providers import describe_workflow

    path = find_file(workflow)
    found = settings.load(with_key=False)
    found.check_provider(provider)
    return partial(describe_workflow, provider, found.connection(), path, tuple(places))


def find_file(workflow: Path | str) -> Path:
    """The file of a workflow that is kept, or the one that is named.

    :raises InvalidRequestError: there is none.
    """
    return library.find_kept(str(workflow), Path.cwd()) or blend_paths.resolve(workflow, "workflow")
