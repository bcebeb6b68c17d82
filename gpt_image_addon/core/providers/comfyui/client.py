"""A ComfyUI server: GPT Image by its nodes, billed to a Comfy account, and workflows of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...common.credentials import check_key
from ...errors import (
    APIConnectionError,
    APIError,
    Billed,
    InvalidResponseError,
    JobCancelled,
    MissingApiKeyError,
)
from ...http.client import MAX_IMAGE_BYTES
from ...http.endpoint import Connection
from ...http.request_state import RequestState
from ...imaging.decoding import sniff
from ...imaging.formats import Upload
from ...request.pricing import Usage
from ...request.request import GenerationRequest
from ...text.message import Message, message
from ...workflows.description import Description
from ..base import Answer, Reporter, Uploads
from .badges import keep_prices
from .events import Events
from .gpt_image import NODE, Graph, ImageNode, find_node, make_graph, require_node
from .pricing import check_price
from .prompts import COMPLETED, FETCH_LATER, MISSING, PENDING, RUNNING, Look, Prompt, prompt_id
from .server import PROVIDER, Server, ServerFile
from .slots import queue_slot
from .workflow_run import check_plan, describe_workflow, fill, find_words, place_images, plan_workflow

SEEDS = 2**31
MAX_IMAGES = 32  # of one request
FETCH_TRIES = 3
PRICE_SECONDS = 2.0  # that the price of a run may come after its end
FETCH_PAUSE = 1.0  # seconds before another try
CACHED = "ComfyUI had the images from before; nothing was made, and nothing was billed."
NO_PREVIEWS = "ComfyUI sends no previews."


def seed_of(job: str, number: int) -> int:
    """A seed that no other run has; the same job has the same again.

    :returns: 0 to 2³¹ - 1.
    """
    digest = hashlib.sha256(f"{job}/{number}".encode()).digest()
    return int.from_bytes(digest[:8]) % SEEDS


def split_count(n: int, most: int) -> list[int]:
    """How many images each run makes, so that there are ``n``."""
    return [most] * (n // most) + ([n % most] if n % most else [])


@dataclass
class _Collected:
    """What came of the runs of one request."""

    images: list[bytes] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cached: int = 0
    """Runs for which nothing was made."""
    missing: APIError | None = None
    is_free: bool = False
    """Nothing of it is billed."""
    credits: list[float | None] = field(default_factory=list)
    """Of the runs that made something: what each took; None where nobody said so."""
    outputs: frozenset[str] = frozenset()
    """Nodes whose images count; empty for all."""

    def answer(self, runs: int) -> Answer:
        """All of it.

        :raises APIError: there is no image.
        """
        if not self.images:
            raise self.missing or InvalidResponseError(
                "ComfyUI has finished the job without an image.",
                billed="no" if self.is_free else "maybe",
                next_step="Look into the log of ComfyUI.",
            )
        warnings = (*self.warnings, *([CACHED] if self.cached else []))
        return Answer(tuple(self.images), usage=self._find_usage(runs), warnings=warnings)

    def _find_usage(self, runs: int) -> Usage | None:
        """What is known of the bill; None where nobody said it of all runs."""
        if self.is_free or self.cached == runs:
            return Usage()
        known = [price for price in self.credits if price is not None]
        return Usage(credits=sum(known)) if known and len(known) == runs - self.cached else None


class ComfyUIProvider:
    """Queues graphs at ``connection.settings["comfyui_url"]``."""

    relief = None

    def __init__(self, connection: Connection) -> None:
        self.server = Server(connection)
        self._key = connection.keys.get(PROVIDER, "")

    def list_models(self) -> list[str]:
        """See `Provider.list_models`: those of its GPT Image node."""
        self.server.find_version()
        node = self._find_node()
        return list(node.models) if node is not None else []

    def _find_node(self) -> ImageNode | None:
        """The GPT Image node; what it says of prices is kept for estimates."""
        node = find_node(self.server)
        keep_prices(node.prices if node is not None else {})
        return node

    def describe(self) -> Message:
        """One sentence of what answers: its version, and its GPT Image node.

        :raises APIError: nothing does.
        """
        version, node = self.server.find_version(), self._find_node()
        if node is None:
            return message("ComfyUI {version} answers; it has no GPT Image node.", version=version)
        return message(
            "ComfyUI {version} answers and offers {models}.", version=version, models=", ".join(node.models)
        )

    def describe_workflow(self, path: Path, wanted: Sequence[str]) -> Description:
        """See `base.DescribesWorkflows`."""
        self.server.find_version()
        return describe_workflow(self.server, path, wanted)

    def generate(
        self,
        request: GenerationRequest,
        prompt: str,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """See `Provider.generate`. All of it is checked before the first graph is queued."""
        request_state.received = None  # the images are fetched one by one, and can be again
        if request.workflow is not None:
            return self._run_workflow(request, uploads, request_state, report)
        key = check_key(self._key, "COMFY_API_KEY").value
        if not key:
            raise MissingApiKeyError(
                "There is no key of a Comfy account.",
                next_step="Set COMFY_API_KEY, or enter the key in the add-on's preferences.",
            )
        node = require_node(self.server)
        check_price(request, node.prices)
        counts = split_count(request.n, node.most)
        make = self._prepare(node, request, prompt, uploads, request_state.job)
        graphs = [make(number, count) for number, count in enumerate(counts)]
        collected = _Collected()
        if request.partial_images:
            collected.warnings.append(NO_PREVIEWS)
        self._run(graphs, key, request_state, collected, report)
        return collected.answer(len(graphs))

    def _run_workflow(
        self,
        request: GenerationRequest,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """The images of a workflow, which costs nothing and gets no key.

        :raises InvalidRequestError: the server can't run it, or something of the request has no place in it.
        """
        plan = plan_workflow(self.server, request)
        runs = check_plan(plan, request)
        prompt = find_words(request)
        files = [*uploads.references, *filter(None, [uploads.mask])]
        places = place_images(plan, request, uploads.mask is not None)
        dry = {place: ServerFile(file.name) for place, file in zip(places, files, strict=True)}
        fill(plan, request, prompt, dry, 0)
        images = {place: self._upload(file) for place, file in zip(places, files, strict=True)}
        seeds = [seed_of(request_state.job, number) for number in range(runs)]
        graphs = [fill(plan, request, prompt, images, seed) for seed in seeds]
        collected = _Collected(warnings=plan.warnings, is_free=True, outputs=plan.places.outputs)
        self._run(graphs, "", request_state, collected, report)
        return collected.answer(runs)

    def read(self, request: GenerationRequest, body: Iterable[bytes]) -> Answer:
        """See `Provider.read`.

        :raises InvalidResponseError: always, as no body holds images.
        """
        raise InvalidResponseError("ComfyUI keeps its images itself.")

    def find(self, request: GenerationRequest, job: str) -> Answer | None:
        """What came of a job that was sent earlier; nothing is sent that costs anything.

        :returns: None while it is not finished, or where the server does not know it.
        :raises APIError: it failed, or the server can't be asked.
        """
        collected = _Collected(is_free=request.workflow is not None)
        if collected.is_free:
            runs = request.n
        else:
            node = find_node(self.server)
            runs = len(split_count(request.n, node.most if node is not None else 1))
        for number in range(runs):
            prompt = Prompt(self.server, prompt_id(job, number), paid=not collected.is_free)
            look = prompt.look()
            if look.state in (PENDING, RUNNING):
                return None
            if look.state == COMPLETED:
                self._fetch(look, collected, RequestState())
            elif look.state != MISSING and not collected.images and runs == 1:
                prompt.end(look)
        return collected.answer(runs) if collected.images else None

    def _prepare(
        self, node: ImageNode, request: GenerationRequest, prompt: str, uploads: Uploads, job: str
    ) -> Callable[[int, int], Graph]:
        """What makes the graph of a run; the images lie on the server when this returns.

        :raises InvalidRequestError: the node does not take the request; nothing was uploaded.
        """
        planned = [_plan_name(file) for file in (uploads.mask, uploads.markup)]
        dry = [ServerFile(file.name) for file in uploads.references]
        make_graph(node, request, prompt, 1, 0, dry, *planned)
        references = [self._upload(file) for file in uploads.references]
        mask, markup = (self._upload(file) if file else None for file in (uploads.mask, uploads.markup))

        def make(number: int, count: int) -> Graph:
            return make_graph(node, request, prompt, count, seed_of(job, number), references, mask, markup)

        return make

    def _upload(self, file: Upload) -> ServerFile:
        digest = hashlib.sha256(file.data).hexdigest()[:16]
        kind = file.mime.rpartition("/")[2]
        try:
            return self.server.upload(file, f"gpt_image_{digest}.{kind}")
        except APIError as error:
            error.billed = "no"  # no graph was queued
            raise

    def _run(
        self,
        graphs: Sequence[Graph],
        key: str,
        request_state: RequestState,
        collected: _Collected,
        report: Reporter,
    ) -> None:
        """Queue the graphs one after the other, and collect what they make.

        :raises APIError: the first of them failed, or nobody knows what became of it.
        :raises JobCancelled: it was cancelled, and so is what runs.
        """
        with Events(self.server, prompt_id(request_state.job, 0), report) as events:
            for number, graph in enumerate(graphs):
                try:
                    self._run_one(number, graph, key, request_state, collected, events)
                except APIError as error:
                    if not collected.images:
                        raise
                    collected.warnings.append(error.text)  # what came before is kept
                    return

    def _run_one(
        self,
        number: int,
        graph: Graph,
        key: str,
        request_state: RequestState,
        collected: _Collected,
        events: Events,
    ) -> None:
        """Queue one graph, and collect what it makes.

        :raises APIError: it failed, or nobody knows what became of it.
        :raises JobCancelled: it was cancelled.
        """
        prompt = Prompt(self.server, prompt_id(request_state.job, number), paid=not collected.is_free)
        events.begin(prompt.id)
        try:
            with queue_slot(self.server.url, request_state):
                prompt.submit(graph, key, request_state, events.client)
                look = prompt.wait(request_state)
        except JobCancelled as error:
            raise self._cancel(prompt, request_state, error, collected) from error
        is_cached = look.made_nothing if collected.is_free else NODE in look.cached
        collected.cached += is_cached
        if not collected.is_free and not is_cached:
            collected.credits.append(events.find_price(prompt.id, PRICE_SECONDS))
        self._fetch(look, collected, request_state)

    def _cancel(
        self, prompt: Prompt, request_state: RequestState, error: JobCancelled, collected: _Collected
    ) -> JobCancelled:
        billed: Billed = error.billed
        if request_state.cancelled:
            billed = prompt.cancel() if request_state.body_sent else "no"
        if collected.images and not collected.is_free:
            billed = "maybe"
        return JobCancelled("The job was cancelled.", billed=billed)

    def _fetch(self, look: Look, collected: _Collected, request_state: RequestState) -> None:
        """Add the images of a finished run."""
        for file in look.list_files(collected.outputs)[: MAX_IMAGES - len(collected.images)]:
            try:
                collected.images.append(self._download(file, request_state))
            except APIError as error:
                collected.missing = error
                collected.warnings.append(error.text)

    def _download(self, file: ServerFile, request_state: RequestState) -> bytes:
        """:raises APIError: it can't be had."""
        for number in range(1, FETCH_TRIES + 1):
            try:
                data = self.server.download(file, MAX_IMAGE_BYTES)
            except APIConnectionError as error:
                if number < FETCH_TRIES:
                    request_state.wait(FETCH_PAUSE)
                    continue
                raise self._unfetched(error) from error
            except APIError as error:
                raise self._unfetched(error) from error
            if sniff(data) is None:
                break
            return data
        raise InvalidResponseError(
            message("What ComfyUI gives out as {name} is no image.", name=file.name), billed="maybe"
        )

    def _unfetched(self, error: APIError) -> APIError:
        return APIConnectionError(
            message("A finished image could not be fetched from ComfyUI: {reason}", reason=error.message),
            code="fetch_failed",
            billed="maybe",
            next_step=FETCH_LATER,
        )


def _plan_name(file: Upload | None) -> ServerFile | None:
    """A name for a file that is not on the server yet."""
    return ServerFile(file.name) if file is not None else None
