"""What a provider is: something that turns a request into encoded images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ..http.endpoint import Connection
from ..http.request_state import RequestState
from ..imaging.formats import Upload
from ..request.pricing import Usage
from ..request.request import GenerationRequest
from ..workflows.description import Description


@dataclass(frozen=True)
class Answer:
    """What came back."""

    images: tuple[bytes, ...]
    """Encoded files, exactly as received."""
    heights: tuple[bytes, ...] = ()
    """16-bit PNG files with the true height of each image, where the provider knows it."""
    usage: Usage | None = None
    usage_told: bool = False
    """The answer speaks of its usage; where there is none all the same, that can't be right."""
    is_whole: bool = True
    """All that came was read; else its bytes are worth keeping."""
    request_id: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptEdit:
    """What an answer becomes a part of, when the user's own files may have changed."""

    files: Mapping[str, bytes]
    """By their names in the result's folder."""
    facts: Mapping[str, Any]
    """For ``answer.json``."""


@dataclass(frozen=True)
class Uploads:
    """The files of an edit, ready to send."""

    references: tuple[Upload, ...] = ()
    mask: Upload | None = None
    markup: Upload | None = None
    edit: KeptEdit | None = None
    """What is kept of a masked edit beside its answer."""

    @property
    def all(self) -> tuple[Upload, ...]:
        """Every file, in the order references, mask, markup."""
        return (*self.references, *(extra for extra in (self.mask, self.markup) if extra is not None))


@dataclass(frozen=True)
class Reporter:
    """Where a provider tells how it gets on."""

    on_wait: Callable[[float, str], None] = field(default=lambda seconds, reason: None)
    """A retry follows in so many seconds, for this reason."""
    on_partial: Callable[[int, bytes], None] = field(default=lambda index, data: None)
    """A preview: its number from 0, and an encoded file."""
    on_step: Callable[[int, int], None] = field(default=lambda step, steps: None)
    """How far one image is: a step, from 1, and how many there are."""
    on_preview: Callable[[bytes], None] = field(default=lambda data: None)
    """A preview that nobody asked for: an encoded file."""


class FindsJobs(Protocol):
    """A provider whose row says that it ``finds_jobs``."""

    def find(self, request: GenerationRequest, job: str) -> Answer | None:
        """What came of a job that was sent earlier; nothing is sent that costs anything.

        :returns: None while it is not finished, or where the server does not know it.
        :raises APIError: it failed, or the server can't be asked.
        """
        ...


class DescribesWorkflows(Protocol):
    """A provider whose row has a ``workflow_model``."""

    def describe_workflow(self, path: Path, wanted: Sequence[str]) -> Description:
        """What a workflow takes at its server; asking costs nothing.

        :param wanted: where the user wants roles, each as ``role=Title.input``.
        :raises InvalidRequestError: it can't be used there.
        :raises APIError: the server can't be asked.
        """
        ...


class Provider(Protocol):
    """Makes images; called on a worker thread."""

    relief: ClassVar[float | None]
    """Share of the shorter edge that its heights of 1 stand above 0; None where that is not known."""

    def __init__(self, connection: Connection) -> None:
        """
        :param connection: where its server is and who calls it.
        """

    def list_models(self) -> list[str]:
        """Ids of the models that it has now. Asking is free, and so the test of a connection.

        :raises APIError: its server can't be reached or refuses.
        """
        ...

    def generate(
        self,
        request: GenerationRequest,
        prompt: str,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """Make the images of one request.

        :param prompt: the words to send: those of the request with its style.
        :raises APIError: the provider can't answer.
        :raises JobCancelled: ``request_state`` was cancelled.
        """
        ...

    def read(self, request: GenerationRequest, body: Iterable[bytes]) -> Answer:
        """Read an answer that came earlier, from its body as it came; nothing is sent.

        :param body: its pieces, perhaps packed, and perhaps cut off.
        :raises APIError: there is no whole image in it.
        """
        ...
