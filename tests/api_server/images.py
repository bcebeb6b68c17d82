"""The two image endpoints: read a request strictly, make its images, write the answer or the events."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import errors, multipart, protocol, sample_images
from .faults import StreamShape
from .options import Options
from .pricing import Usage, usage_of
from .protocol import Parameters
from .records import FileRecord, Record, sha256
from .references import Reference, check_all, check_count, check_media_type, read_reference

SVG_TOKENS = 30_000  # of the model that draws


@dataclass(frozen=True)
class Job:
    """A checked request; `mask` are PNG bytes."""

    parameters: Parameters
    references: Sequence[Reference] = ()
    mask: bytes | None = None
    is_edit: bool = False

    def usage(self, images: int, partials: int) -> Usage:
        given = self.parameters
        usage = usage_of(
            given.model.family,
            given.quality,
            given.size,
            prompt=given.prompt,
            images=images,
            partials=partials,
            references=[reference.size for reference in self.references],
        )
        return usage if given.svg is None else dataclasses.replace(usage, svg_in=60, svg_out=SVG_TOKENS)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        message = "We could not parse the JSON body of your request. The body must be one JSON object."
        raise errors.bad_request(message, None, None)
    return values


def _wrong_media_type(media_type: str, expected: str) -> errors.ApiError:
    message = f"Unsupported content type: '{media_type}'. This API method only accepts {expected} requests."
    return errors.bad_request(message, None, "unsupported_content_type")


def read_generation(
    media_type: str, body: bytes, record: Record, options: Options, deployment: str | None = None
) -> Job:
    """A JSON generation request. Raises ApiError for whatever the API would refuse."""
    if media_type.split(";")[0].strip().lower() != "application/json":
        raise _wrong_media_type(media_type, "'application/json'")
    record.fields = _json_object(body)
    values = protocol.check_fields(record.fields, protocol.GENERATION_FIELDS)
    return Job(_parameters(values, options, deployment))


def read_edit(
    media_type: str,
    body: bytes,
    record: Record,
    options: Options,
    deployment: str | None = None,
    stored: Mapping[str, bytes] | None = None,
) -> Job:
    """An edit request, multipart or JSON. `stored` are uploaded files by id, for the JSON form."""
    kind = media_type.split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        values, images, overlays = _multipart_edit(media_type, body, record, options)
    elif kind == "application/json":
        values, images, overlays = _json_edit(body, record, stored or {})
    else:
        raise _wrong_media_type(media_type, "'multipart/form-data' and 'application/json'")
    named = {**values, **{name: True for name, _ in overlays}}
    parameters = _parameters(named, options, deployment)
    if "markup" in named and not parameters.model.markup:
        raise errors.unsupported_parameter("markup", parameters.model.id)
    references, laid_over = check_all(images, overlays, options.limits)
    mask = next((overlay.data for overlay in laid_over if overlay.param == "mask"), None)
    return Job(parameters, references, mask, is_edit=True)


def _parameters(values: Mapping[str, Any], options: Options, deployment: str | None) -> Parameters:
    name = deployment or values.get("model")
    model = protocol.find_model(options.deployments.get(name, name) if name else None, options.today)
    return protocol.check(values, model, options.previews)


Named = list[tuple[str, bytes]]


def _multipart_edit(
    media_type: str, body: bytes, record: Record, options: Options
) -> tuple[dict[str, Any], Named, Named]:
    parts = multipart.parse(body, multipart.boundary_of(media_type))
    files = [part for part in parts if part.is_file]
    record.files = [
        FileRecord(p.name, p.filename, p.content_type, len(p.data), sha256(p.data)) for p in files
    ]
    for part in parts:
        if not part.is_file:
            if part.name in record.fields:
                raise _duplicate(part.name)
            record.fields[part.name] = part.text()
    for name in ("image", "image[]", "mask", "markup"):
        if name in record.fields:
            raise errors.invalid_type(name, "a file", "a string")
    values = protocol.check_fields(
        protocol.from_text(record.fields, protocol.EDIT_FIELDS), protocol.EDIT_FIELDS
    )
    images, overlays = _sorted_files(files, options)
    return values, images, overlays


def _sorted_files(files: Sequence[multipart.Part], options: Options) -> tuple[Named, Named]:
    listed: list[multipart.Part] = []
    overlays: dict[str, bytes] = {}
    for part in files:
        if part.name in ("image", "image[]"):
            listed.append(part)
        elif part.name not in ("mask", "markup"):
            if part.name in protocol.EDIT_FIELDS:
                raise errors.invalid_type(part.name, "a string", "a file")
            raise errors.unknown_parameter(part.name)
        elif part.name in overlays:
            raise _duplicate(part.name)
        else:
            overlays[part.name] = part.data
    check_count(len(listed), "image")
    plain = [part for part in listed if part.name == "image"]
    if len(plain) != len(listed) and plain:
        raise _duplicate("image")
    if len(plain) > 1 and options.picture_fields != "repeated":
        raise _duplicate("image")
    if not plain and options.picture_fields == "repeated":
        raise errors.missing_parameter("image")
    images: Named = []
    for index, part in enumerate(listed):
        param = "image" if part.name == "image" and len(listed) == 1 else f"image[{index}]"
        check_media_type(param, part.content_type)
        images.append((param, part.data))
    return images, list(overlays.items())


def _duplicate(name: str) -> errors.ApiError:
    message = (
        f"Duplicate parameter: '{name}'. You provided multiple values for this parameter, whereas only one "
        f"is allowed. To provide a list of values, use the array syntax instead e.g. '{name}[]=<value>'."
    )
    return errors.bad_request(message, name, "duplicate_parameter")


def _json_edit(
    body: bytes, record: Record, stored: Mapping[str, bytes]
) -> tuple[dict[str, Any], Named, Named]:
    record.fields = _json_object(body)
    values = protocol.check_fields(record.fields, protocol.EDIT_JSON_FIELDS)
    listed = values.pop("images")
    check_count(len(listed), "images")
    images = [
        (f"images[{index}]", read_reference(f"images[{index}]", value, stored))
        for index, value in enumerate(listed)
    ]
    overlays: Named = [
        (name, read_reference(name, values.pop(name), stored))
        for name in ("mask", "markup")
        if name in values
    ]
    record.files = [FileRecord(name, None, None, len(data), sha256(data)) for name, data in images + overlays]
    record.fields = {name: value for name, value in record.fields.items() if name in values}
    return values, images, overlays


def make(job: Job, request_id: str, options: Options) -> list[bytes]:
    """Paint the images of a job."""
    given = job.parameters
    first = zlib.crc32(given.prompt.encode())
    made = []
    for index in range(given.n):
        seed = (first + index) % sample_images.VARIETY
        image = _paint(job, seed, options)
        if options.provenance:
            image = sample_images.stamped(image, f"provenance {request_id} {index}".encode())
        made.append(image)
    return made


def _paint(job: Job, seed: int, options: Options) -> bytes:
    given, noise = job.parameters, options.noise
    transparent = given.background == "transparent"
    if given.output_format == "svg":
        return sample_images.drawing(seed, given.size)
    if given.output_format == "gif":
        return sample_images.animated(seed, given.size, given.frame_count, given.frame_duration_ms)
    encoding = (given.size, given.output_format, given.output_compression, transparent)
    if options.edits is not None and job.is_edit:
        answer = options.edits(job.references[0].data, job.mask)
        return sample_images.shown(answer, *encoding[:3])
    if job.mask is not None and options.repaint:
        return sample_images.repainted(job.references[0].data, job.mask, options.repaint, *encoding[:3])
    if options.image is not None and not job.is_edit:
        return sample_images.shown(options.image, *encoding[:3])
    if job.is_edit and not noise:
        return sample_images.edited(seed, job.references[0].data, job.mask, *encoding)
    return sample_images.painted(seed % sample_images.NOISES if noise else seed, *encoding, noise)


def _facts(job: Job) -> dict[str, Any]:
    given = job.parameters
    width, height = given.size
    facts: dict[str, Any] = {
        "background": given.background,
        "output_format": given.output_format,
        "quality": given.quality,
        "size": f"{width}x{height}",
    }
    if given.safety_identifier:
        facts["safety_identifier"] = given.safety_identifier
    return facts


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def document(job: Job, data: Sequence[Mapping[str, str]], usage: Usage) -> dict[str, Any]:
    """The JSON answer around the entries of `data`."""
    answer = {
        "created": int(time.time()),
        **_facts(job),
        "data": list(data),
        "usage": usage.to_json(details=True),
    }
    if job.parameters.svg is not None:
        authoring = {
            "input_tokens": usage.svg_in,
            "output_tokens": usage.svg_out,
            "reasoning_tokens": 0,
            "total_tokens": usage.svg_in + usage.svg_out,
        }
        answer["svg_usage"] = {"model": job.parameters.svg["model"], **authoring}
    return answer


def events(job: Job, made: Sequence[bytes], texts: Sequence[str], shape: StreamShape) -> list[dict[str, Any]]:
    """The events of a stream: the partials of the first image, then each finished one as base64."""
    given = job.parameters
    kind = "image_edit" if job.is_edit else "image_generation"
    common = {"created_at": int(time.time()), **_facts(job)}
    partials = [
        {
            "type": f"{kind}.partial_image",
            "b64_json": base64_text(sample_images.partial(made[0], index, given.partial_images)),
            **common,
            "partial_image_index": index,
        }
        for index in range(given.partial_images)
        if index not in shape.drop_partials
    ]
    usage = job.usage(len(made), len(partials)).to_json(details=False)
    finals = [{"type": f"{kind}.completed", "b64_json": text, **common, "usage": usage} for text in texts]
    return finals + partials if shape.final_first else partials + finals
