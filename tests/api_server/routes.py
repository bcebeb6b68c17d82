"""Which URL does what, and who may call it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from . import answers, batch_routes, errors, images
from .answers import Answer
from .errors import ApiError
from .exchange import RequestState
from .faults import BAD_IMAGES
from .images import Job
from .models import MODELS
from .options import ORGANIZATION, PROJECT

MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}


def handle(exchange: RequestState) -> Answer:
    """Answer a request. Raises ApiError for every refusal."""
    methods = []
    for method, pattern, access, action in ROUTES:
        match = re.fullmatch(pattern, exchange.path)
        if match is None:
            continue
        if method != exchange.method:
            methods.append(method)
            continue
        access(exchange)
        exchange.arguments = match.groupdict()
        scripted = exchange.step.refusal()
        if scripted and action not in (generate, edit):  # those check the request first
            raise scripted
        return action(exchange)
    if methods:
        message = (
            f"Not allowed to {exchange.method} on {exchange.path} (HINT: Perhaps you meant {methods[0]}?)"
        )
        raise ApiError(405, message, code="method_not_supported")
    raise ApiError(404, f"Invalid URL ({exchange.method} {exchange.path})")


def _bearer(exchange: RequestState) -> str:
    scheme, _, key = exchange.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def openai_access(exchange: RequestState) -> None:
    """`Authorization: Bearer`, and the organisation and project, where named, are the key's own."""
    key = _bearer(exchange)
    if key != exchange.server.options.api_key:
        raise errors.unauthorized(key)
    for header, own in (("OpenAI-Organization", ORGANIZATION), ("OpenAI-Project", PROJECT)):
        named = exchange.headers.get(header)
        if named is not None and named != own:
            kind = header.partition("-")[2].lower()
            raise ApiError(401, f"{header} header should match {kind} for API key", code=f"mismatched_{kind}")


def azure_access(exchange: RequestState) -> None:
    """`api-key`; the v1 routes take the key as bearer, too. The error has Azure's shape."""
    key = exchange.headers.get("api-key", "")
    if not key and exchange.path.startswith("/openai/v1/"):
        key = _bearer(exchange)
    if key != exchange.server.options.api_key:
        raise _azure_error(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
    if exchange.path.startswith("/openai/deployments/") and "api-version" not in parse_qs(exchange.query):
        raise _azure_error(404, "404", "Resource not found")


def _azure_error(status: int, code: str, message: str) -> ApiError:
    error = ApiError(status, message, code=code)
    error.error = {"code": code, "message": message}
    return error


def anyone(exchange: RequestState) -> None:
    """No key needed."""


def list_models(exchange: RequestState) -> Answer:
    return answers.as_json({"object": "list", "data": [model.entry() for model in MODELS.values()]})


def get_model(exchange: RequestState) -> Answer:
    model = MODELS.get(exchange.arguments["id"])
    if model is None:
        raise errors.model_not_found(exchange.arguments["id"])
    return answers.as_json(model.entry())


def generate(exchange: RequestState) -> Answer:
    deployment = _deployment(exchange)
    options = exchange.server.options
    job = images.read_generation(exchange.media_type, exchange.body, exchange.record, options, deployment)
    return _answer(exchange, job)


def edit(exchange: RequestState) -> Answer:
    deployment = _deployment(exchange)
    options = exchange.server.options
    stored = exchange.server.desk.contents()
    job = images.read_edit(exchange.media_type, exchange.body, exchange.record, options, deployment, stored)
    return _answer(exchange, job)


def _deployment(exchange: RequestState) -> str | None:
    name = exchange.arguments.get("deployment")
    if name is not None and name not in exchange.server.options.deployments and name not in MODELS:
        raise _azure_error(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
    return name


def _answer(exchange: RequestState, job: Job) -> Answer:
    """Refuse as scripted or limited; otherwise make the images, bill them, and answer."""
    server, record, step = exchange.server, exchange.record, exchange.step
    scripted = step.refusal()
    if scripted:
        raise scripted
    server.limiter.take(server.options, job.parameters.model.id, len(job.references))
    made = images.make(job, record.request_id, server.options)
    record.answers = [server.books.keep(image) for image in made]
    shape = step.stream
    dropped = len(shape.drop_partials) if shape else 0
    usage = job.usage(len(made), max(job.parameters.partial_images - dropped, 0))
    server.books.note(
        record,
        usage=usage.to_json(details=True),
        billed=step.answer != "redirect",
        cost_usd=usage.usd(job.parameters.model.family),
    )
    if job.parameters.stream and step.answer in ("", *BAD_IMAGES):
        return answers.streamed(job, made, step)
    link = server.options.answer_with == "url"
    return answers.whole(job, made, step, f"{server.origin}/files", link=link)


def get_file(exchange: RequestState) -> Answer:
    """An image behind a link; asking for it with a key is a leak, which the record shows."""
    image = exchange.server.answers.get(exchange.arguments["digest"])
    if image is None:
        raise ApiError(404, "No such file.")
    media_type = MEDIA_TYPES.get(exchange.arguments["suffix"], "application/octet-stream")
    return Answer(body=image, content_type=media_type)


Route = tuple[str, str, Callable[[RequestState], None], Callable[[RequestState], Answer]]
_DEPLOYMENT = "/openai/deployments/(?P<deployment>[^/]+)/images"
ROUTES: tuple[Route, ...] = (
    ("GET", "/v1/models", openai_access, list_models),
    ("GET", "/v1/models/(?P<id>[^/]+)", openai_access, get_model),
    ("POST", "/v1/images/generations", openai_access, generate),
    ("POST", "/v1/images/edits", openai_access, edit),
    ("POST", "/v1/files", openai_access, batch_routes.upload),
    ("GET", "/v1/files", openai_access, batch_routes.list_files),
    ("GET", "/v1/files/(?P<id>[^/]+)", openai_access, batch_routes.show_file),
    ("DELETE", "/v1/files/(?P<id>[^/]+)", openai_access, batch_routes.delete_file),
    ("GET", "/v1/files/(?P<id>[^/]+)/content", openai_access, batch_routes.file_content),
    ("POST", "/v1/batches", openai_access, batch_routes.create_batch),
    ("GET", "/v1/batches", openai_access, batch_routes.list_batches),
    ("GET", "/v1/batches/(?P<id>[^/]+)", openai_access, batch_routes.show_batch),
    ("POST", "/v1/batches/(?P<id>[^/]+)/cancel", openai_access, batch_routes.cancel_batch),
    ("POST", "/openai/v1/images/generations", azure_access, generate),
    ("POST", "/openai/v1/images/edits", azure_access, edit),
    ("POST", f"{_DEPLOYMENT}/generations", azure_access, generate),
    ("POST", f"{_DEPLOYMENT}/edits", azure_access, edit),
    ("GET", r"/files/(?P<digest>[0-9a-f]{64})\.(?P<suffix>\w+)", anyone, get_file),
)
