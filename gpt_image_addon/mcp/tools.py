"""The table of tools, and what each does. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import api
from ..app import material_maps, references
from ..core.errors import BudgetExceededError, GptImageError, InvalidRequestError
from ..core.jobs.job import Job, Task
from ..core.journal.states import JobState
from ..core.references.kinds import CAPTURES
from ..core.request.parameters import PARAMETERS
from ..core.text.message import message
from . import results, schemas, spending
from . import tool_arguments as wanted
from .files import Folders
from .protocol import Answer, Caller, InlineImage, JsonObject, Progress, Question, Steps, Tool
from .server import declined

CANCEL_SECONDS = 2.0  # until a job has said whether it was billed
IMAGES_IN = ("references", "mask", "markup")
"""Parameters that name images."""
FOLDERS_OUT = ("textures_dir", "export_dir")
"""Parameters that name folders for files."""
FREE = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False, "openWorldHint": False}
PAID = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
READING = {"readOnlyHint": True, "openWorldHint": False}


@dataclass(frozen=True)
class _Request:
    """A request by its parameters, checked and priced when it is asked for."""

    values: JsonObject

    @property
    def plan(self) -> api.Plan:
        return api.plan(**self.values)

    def submit(self, **how: Any) -> Job:
        return api.submit(**self.values, **how)


class Toolbox:
    """The tools of one process."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._outputs: dict[str, str] = {}
        """Where the scene goes when a job is done, by its id."""
        self._owners: dict[str, str] = {}
        """Which client began a job, by its id."""
        self._cancels = True

    def let_go(self) -> None:
        """Cancel what costs nothing yet; what is paid for arrives, whoever waits for it."""
        self._cancels = False
        for job in api.jobs():
            if job.id in self._owners and not job.done and job.billed() == "no":
                api.cancel(job.id)

    def table(self) -> Mapping[str, Tool]:
        """The tools by name."""
        return {tool.name: tool for tool in self._tools()}

    def _tools(self) -> Iterator[Tool]:
        yield self._tool(
            "estimate", "Price a request",
            "What generate would cost with the same arguments, in USD. Sends nothing, costs nothing.",
            schemas.object_of(wanted.PLAN, ["prompt"]), READING, self._estimate,
        )  # fmt: skip
        yield self._tool(
            "generate", "Make an image, texture, plane or material (costs money)",
            "Makes something from a prompt and puts it into the scene. COSTS MONEY unless provider is "
            "offline: at most the high_usd of estimate. Answers after 40 s at the latest; where state is "
            "running, call wait with the job instead of calling this again.",
            schemas.object_of({**wanted.REQUEST, **wanted.MONEY}, ["prompt"]), PAID, self._generate,
        )  # fmt: skip
        yield self._tool(
            "texture", "Paint objects (costs money)",
            "Paints objects as a view shows them, or all around (views auto), into the images of their base "
            "colors. COSTS MONEY unless provider is offline, as generate does, and answers like it.",
            schemas.object_of({**wanted.TEXTURE, **wanted.MONEY}, ["objects", "prompt"]), PAID, self._texture,
        )  # fmt: skip
        yield self._tool(
            "wait", "Wait for a job",
            "Waits for a running job, at most 40 s, and returns its result. Costs nothing; giving up the "
            "call cancels the job where you began it.",
            schemas.object_of({"job": wanted.JOB}, ["job"]), {**FREE, "idempotentHint": True}, self._wait,
        )  # fmt: skip
        yield self._tool(
            "cancel", "Cancel a job",
            "Stops a job. A request that is on its way may be billed all the same, without a result.",
            schemas.object_of({"job": wanted.JOB}, ["job"]),
            {**FREE, "destructiveHint": True, "idempotentHint": True}, self._cancel,
        )  # fmt: skip
        yield self._tool(
            "apply", "Put a stored result into the scene",
            "Puts the stored result of a job into the open scene, also as something else. Costs nothing.",
            schemas.object_of(
                {
                    "job": wanted.JOB,
                    "object_name": schemas.text("Object to put it on; that of the request without it"),
                    "target": wanted.TARGET,
                    "accept": {
                        "type": "boolean",
                        "description": "Use the answer to an edit even where it does not match its image",
                    },
                    "output": wanted.OUTPUT,
                },
                ["job"],
            ),
            {**FREE, "destructiveHint": True}, self._apply,
        )  # fmt: skip
        yield self._tool(
            "history", "What was made and spent",
            "Jobs, newest first, with what they cost and where their files are.",
            schemas.object_of(
                {
                    "month": {**schemas.text("Only this month, yyyy-mm", 7)},
                    "state": {"type": "string", "enum": [state.value for state in JobState]},
                    "search": schemas.text("Text in prompts, models and job ids"),
                    "limit": wanted.LIMIT,
                }
            ),
            READING, self._history,
        )  # fmt: skip
        yield self._tool(
            "capture", "See the scene",
            "An image of the scene: the viewport, a camera render, or a guide. Its file may be a reference "
            "of generate. Sends nothing, costs nothing.",
            schemas.object_of({"kind": {"type": "string", "enum": list(CAPTURES)}}, ["kind"]),
            FREE, self._capture,
        )  # fmt: skip
        yield self._tool(
            "maps", "Material maps from an image",
            "Writes material maps of an image, without any request: costs nothing.",
            schemas.object_of(
                {
                    "picture": wanted.PICTURE,
                    "output_dir": schemas.text("Folder for the files, below one that the user named"),
                    "seamless": {"type": "boolean", "description": "Make a tile first"},
                    "description": schemas.text("Names the material, such as 'old oak planks'"),
                    "name": schemas.text("Start of the file names", 200),
                    **wanted.MAPS,
                },
                ["picture", "output_dir"],
            ),
            FREE, self._maps,
        )  # fmt: skip
        yield self._tool(
            "tile", "A seamless tile from an image",
            "Writes a seamless tile of an image, without any request: costs nothing.",
            schemas.object_of(
                {
                    "picture": wanted.PICTURE,
                    "output": schemas.text("New png, jpg or webp below a folder that the user named"),
                    "size": schemas.text("Pixels of the tile, such as 1024x1024", 20),
                },
                ["picture", "output"],
            ),
            FREE, self._tile,
        )  # fmt: skip
        yield self._tool(
            "models", "The models",
            "What each model takes and costs, and until when it answers.",
            schemas.object_of({}), READING, self._models,
        )  # fmt: skip

    def _tool(
        self,
        name: str,
        title: str,
        description: str,
        schema: JsonObject,
        hints: JsonObject,
        run: Callable[[JsonObject, Caller], Steps],
    ) -> Tool:
        def checked(arguments: JsonObject, caller: Caller) -> Steps:
            return (yield from run(schemas.check(schema, arguments), caller))

        return Tool(name, title, description, schema, hints, checked)

    def _request_values(self, given: JsonObject) -> JsonObject:
        """The parameters of a request, with files that may be used."""
        values = dict(given)
        for name in IMAGES_IN:
            if name in values and isinstance(values[name], list):
                values[name] = [
                    path if path in CAPTURES else self._folders.check_image(path, name)
                    for path in values[name]
                ]
            elif name in values:
                values[name] = self._folders.check_image(values[name], name)
        for name, value in values.items():
            if (parse := PARAMETERS[name].parse) is not None:
                values[name] = [parse(text) for text in value]
        for name in FOLDERS_OUT:
            if name in values:
                values[name] = self._folders.check_output(values[name], name, is_folder=True)
        return values

    def _output(self, given: JsonObject) -> str | None:
        """Where the scene is to be saved.

        :raises InvalidRequestError: it can't be saved there.
        """
        if "output" not in given:
            return None
        path = self._folders.check_output(given["output"], "output")
        if Path(path).suffix != ".blend" or not Path(path).parent.is_dir():
            raise InvalidRequestError(
                message("output must be a .blend in a folder that exists, not {path}.", path=path),
                code="invalid_value",
                param="output",
            )
        return path

    def _estimate(self, given: JsonObject, caller: Caller) -> Steps:
        yield from ()
        plan = api.plan(**self._request_values(given))
        price = plan.estimate
        return Answer(
            results.succeeded(
                request=plan.request.to_dict(),
                prompt=plan.prompt,
                low_usd=price.low_usd,
                likely_usd=price.likely_usd,
                high_usd=price.high_usd,
                exact=price.exact,
                warnings=list(plan.warnings),
            )
        )

    def _generate(self, given: JsonObject, caller: Caller) -> Steps:
        own, values = _split(given)
        values = self._request_values(values)
        is_stored = _is_stored(values, own.get("reuse", True))
        return (yield from self._pay(own, values, lambda: _Request(values), caller, is_stored=is_stored))

    def _texture(self, given: JsonObject, caller: Caller) -> Steps:
        own, values = _split(given)
        size = {name: own.pop(name) for name in ("texture_size",) if name in own}
        values = {**self._request_values(values), **size}
        prepare = partial(api.prepare_model_texture, **values)
        return (yield from self._pay(own, {"target": "model", **values}, prepare, caller))

    def _pay(
        self,
        own: JsonObject,
        values: JsonObject,
        prepare: Callable[[], _Request | api.PreparedTexture],
        caller: Caller,
        *,
        is_stored: bool = False,
    ) -> Steps:
        """Send a request within all limits, and with the user's consent where they can be asked.

        :param own: the arguments that are none of the request's.
        :param values: the request's.
        :param is_stored: a stored result is taken, so that nothing is to be paid.
        """
        output = self._output(own)
        key, retry = own.get("idempotency_key"), own.get("retry_unknown", False)
        allowance = spending.Allowance.of(own.get("max_cost_usd"))
        prepared = prepare()
        planned, most = prepared.plan, allowance.usd
        if planned.estimate.high_usd > 0 and not spending.is_known(key) and not is_stored:
            allowance.check(planned, can_ask=caller.can_ask)
            if caller.can_ask:
                agreed = yield spending.question(planned, values, again=retry)
                if agreed is None or agreed.get(spending.AGREED) is not True:
                    raise declined()
                # The user may have changed the scene before agreeing, but agreed to this price.
                prepared, most = prepare(), planned.estimate.high_usd
            elif retry:
                raise _needs_user()
        known = api.jobs()
        try:
            job = prepared.submit(
                reuse=own.get("reuse", True) or None,
                retry_unknown=retry,
                max_cost=most,
                idempotency_key=key,
            )
        except GptImageError as error:
            raise _for_agents(error) from None
        if any(job is other for other in known):
            return (yield from self._follow(job, caller, output))
        return (yield from self._follow_own(job, caller, output))

    def _wait(self, given: JsonObject, caller: Caller) -> Steps:
        job = _find_job(given["job"])
        if job is None:
            return results.of_history(given["job"])
        return (yield from self._follow(job, caller))

    def _cancel(self, given: JsonObject, caller: Caller) -> Steps:
        job = _find_job(given["job"])
        if job is None:
            return results.of_history(given["job"])
        api.cancel(job.id)
        for _ in _until(job, CANCEL_SECONDS):
            yield Progress(job.shown_progress, "Stopping")
        billed = job.error.billed if job.error is not None else job.billed()
        return Answer(results.succeeded(job=job.id, job_state=job.state.value, done=job.done, billed=billed))

    def _apply(self, given: JsonObject, caller: Caller) -> Steps:
        output = self._output(given)
        how = {name: given[name] for name in given if name not in ("job", "output")}
        job = api.recover(given["job"], only_named=True, **how)
        return (yield from self._follow_own(job, caller, output))

    def _history(self, given: JsonObject, caller: Caller) -> Steps:
        yield from ()
        which: dict[str, Any] = {name: given[name] for name in given if name != "limit"}
        rows = list(api.history_rows(**which, limit=given.get("limit", wanted.HISTORY_LIMIT)))
        found = api.history(**which, limit=0)
        return Answer(
            results.succeeded(
                month=found.month, spent_usd=found.spent_usd, reserved_usd=found.reserved_usd, jobs=rows
            )
        )

    def _capture(self, given: JsonObject, caller: Caller) -> Steps:
        file = references.CAPTURES[given["kind"]]()
        width, height = references.size_of(file)
        facts = results.succeeded(kind=given["kind"], file=file, width=width, height=height)
        return Answer(facts, (yield from _make_previews((file,))), (Path(file),))

    def _maps(self, given: JsonObject, caller: Caller) -> Steps:
        values = self._picture_values(given)
        values["output_dir"] = self._folders.check_output(given["output_dir"], "output_dir", is_folder=True)
        return (yield from self._follow_own(api.submit_maps(**values), caller))

    def _tile(self, given: JsonObject, caller: Caller) -> Steps:
        values = self._picture_values(given)
        values["output"] = self._folders.check_output(given["output"], "output")
        return (yield from self._follow_own(api.submit_tile(**values), caller))

    def _picture_values(self, given: JsonObject) -> JsonObject:
        is_named = material_maps.names_image(given["picture"])
        picture = given["picture"] if is_named else self._folders.check_image(given["picture"], "picture")
        return {**given, "picture": picture}

    def _models(self, given: JsonObject, caller: Caller) -> Steps:
        yield from ()
        return Answer(results.succeeded(models=api.models()))

    def _follow_own(self, job: Task, caller: Caller, output: str | None = None) -> Steps:
        """As `_follow`, for a job that this call began."""
        self._owners[job.id] = caller.client
        return (yield from self._follow(job, caller, output))

    def _follow(self, job: Task, caller: Caller, output: str | None = None) -> Steps:
        """Wait for a job as long as the client does; one that it began itself is cancelled where it gives up.

        :param output: where the scene goes when it is done, now or after a later `wait`.
        """
        if output is not None:
            self._outputs[job.id] = output
        try:
            while not job.done:
                if caller.is_late():
                    return results.running(job)
                yield Progress(job.shown_progress, str(job.message))
        except GeneratorExit:
            if self._cancels and self._owners.get(job.id) == caller.client:
                api.cancel(job.id)
            raise
        try:
            made = results.of_job(job, self._outputs.pop(job.id, None))
        except GptImageError as error:
            raise _for_agents(error) from None
        return Answer(made.facts, (yield from _make_previews(made.shown)), made.files)


def _make_previews(
    files: Sequence[str],
) -> Generator[Progress | Question, JsonObject | None, tuple[InlineImage, ...]]:
    """Small copies of images, made by a thread: the window does not wait for them."""
    made: list[tuple[InlineImage, ...]] = []
    api.errand(partial(results.preview, files), lambda images, error: made.append(images or ()))
    while not made:
        yield Progress(1.0, "Making previews")
    return made[0]


def _split(given: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The arguments of a call that are none of its request's, and those that are."""
    own = {name: value for name, value in given.items() if name not in PARAMETERS}
    return own, {name: value for name, value in given.items() if name in PARAMETERS}


def _find_job(identity: str) -> Task | None:
    return next((job for job in reversed(api.jobs()) if job.id == identity), None)


def _is_stored(values: JsonObject, reuse: bool) -> bool:
    """Whether a stored result is taken, so that nothing is to be paid."""
    if not reuse:
        return False
    entry = api.earlier(**values)
    has_result = entry is not None and entry.state in (JobState.RECEIVED, JobState.APPLIED)
    return has_result and entry is not None and entry.folder is not None and entry.folder.is_dir()


def _until(job: Task, seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while not job.done and time.monotonic() < end:
        yield


def _needs_user() -> InvalidRequestError:
    return InvalidRequestError(
        "Only the user may send again what may have been billed, and this client can't ask them.",
        code="needs_user",
        param="retry_unknown",
        next_step=WAY_OUT,
    )


WAY_OUT = (
    "Look at it with history: a stored result is put into the scene by apply. To pay again, the user "
    "sends it themselves in Blender's panel or with `generate --retry-unknown`, or you change the prompt."
)


def _for_agents(error: GptImageError) -> GptImageError:
    """With a way out that an agent has."""
    if error.code in ("outcome_unknown", "billed_without_result"):
        error.next_step = WAY_OUT
    elif isinstance(error, BudgetExceededError):
        error.next_step = "Choose a lower quality, a smaller size or fewer images."
    return error
