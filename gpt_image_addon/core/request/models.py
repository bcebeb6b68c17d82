"""What each model takes and costs: the table in ``models.json`` and the checks made before anything is sent.

Models change every few months, so all facts are data with a date. A file ``models.json`` in the state folder
adds to the table or replaces rows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..common.files import read_file
from ..errors import ConfigurationError, InvalidRequestError
from ..references.kinds import SHEET
from ..references.views import SHEETS
from ..text.json_reader import once, parse_json
from ..text.message import Message, message, one_of
from .model_table import COUNT_LIMIT, check_table
from .parameters import ANIMATED_OR_DRAWN, CHOSEN_BY_MODEL, REFERENCE_LIMIT
from .providers import DEFAULT_PROVIDER, find_provider
from .request import GenerationRequest
from .sizes import AUTO, SizeRule, format_size, parse_size
from .validation import check_values

SHEET_SIZES = frozenset(sheet.size for sheet in SHEETS)
"""Of sheets of views where no other size is asked for."""
TABLE_FILE = "models.json"
FILE_LIMIT = 4 * 10**6  # bytes of the user's own table
REASON_LIMIT = 200  # characters
SUNSET_NOTICE = timedelta(days=60)  # how long before its shutdown a model is warned about
GIF_FRAMES = (9, 12, 16)  # up to so many frames a size rule of its own holds
DEFAULT_GIF_FRAMES = 9


@dataclass(frozen=True)
class Model:
    """One row of the table."""

    id: str
    provider: str = DEFAULT_PROVIDER
    snapshots: tuple[str, ...] = ()
    """Dated names of the same model."""
    released: str = ""
    shutdown: str | None = None
    """ISO date from which the model no longer answers."""
    replacement: str | None = None
    size_rule: str = "free"
    prices: str = ""
    """Key into `Registry.prices`; empty where the price is unknown."""
    output_tokens: str = ""
    """Key into `Registry.output_tokens`."""
    qualities: tuple[str, ...] = ()
    complexities: tuple[str, ...] = ()
    transparent: str = "yes"
    """``yes``, ``no``, or ``preview`` where the server may refuse it."""
    markup: bool = False
    vector: bool = False
    """Whether gif and svg are offered (to accounts with access)."""
    input_fidelities: tuple[str, ...] = ()
    known: bool = True

    def is_shut_down(self, today: date) -> bool:
        """Whether the model no longer answers on this day."""
        return self.shutdown is not None and date.fromisoformat(self.shutdown) <= today


@dataclass(frozen=True)
class Registry:
    """The whole table."""

    collected: date
    """Day on which the facts were collected."""
    default: str
    models: tuple[Model, ...]
    size_rules: Mapping[str, SizeRule]
    prices: Mapping[str, Mapping[str, float]]
    """USD per million tokens, by kind of token."""
    output_tokens: Mapping[str, Mapping[str, Any]]
    by_id: Mapping[str, Model] = field(init=False, repr=False)
    fault: ConfigurationError | None = None
    """Why the user's own rows are missing; None where they are not."""

    def __post_init__(self) -> None:
        rows: dict[str, Model] = {}
        for model in self.models:
            rows.update(dict.fromkeys((*model.snapshots, model.id), model))
        object.__setattr__(self, "by_id", rows)

    def default_for(self, provider: str) -> str:
        """The model that a request without one means.

        :raises ConfigurationError: the user's table, which may name another, can't be used.
        """
        if own := find_provider(provider).default_model:
            return own
        if self.fault is not None:
            raise self.fault
        return self.default

    def get(self, model_id: str) -> Model:
        """The row of a model; for one that is not in the table, a row that permits everything."""
        return self.by_id.get(model_id) or Model(
            id=model_id,
            qualities=self.by_id[self.default].qualities,
            complexities=self.by_id[self.default].complexities,
            markup=True,
            vector=True,
            input_fidelities=("high", "low"),
            known=False,
        )

    def size_rule(self, model: Model, frames: int = 0) -> SizeRule:
        """What sizes a model takes.

        :param frames: of a gif; 0 for a still image.
        """
        if not model.known:
            return SizeRule()
        if not frames:
            return self.size_rules[model.size_rule]
        return next(self.size_rules[f"gif-{most}"] for most in GIF_FRAMES if frames <= most)

    def likely_size_rule(self, name: str, frames: int = 0) -> SizeRule:
        """What sizes a model takes; of one that the table does not know, what the default one does.

        :param frames: as for `size_rule`.
        """
        model = self.get(name)
        return self.size_rule(model if model.known else self.get(self.default), frames)


def load_registry(override: Path | None = None) -> Registry:
    """The table; each version of the files is read once.

    :param override: a file of the same form; its rows win, and it may hold only some of them.
    :raises ConfigurationError: the override can't be read or is of another form.
    """
    try:
        if override is None or not override.exists():
            return _read_registry()
        stat = override.stat()
        return _read_registry(override, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            message(
                "The model table {path} can't be used: {reason}.",
                path=override,
                reason=str(error)[:REASON_LIMIT],
            ),
            next_step="Correct the file or delete it.",
        ) from error


@lru_cache(maxsize=2)  # ours, and the user's
def _read_registry(override: Path | None = None, version: tuple[int, ...] = ()) -> Registry:
    """
    :param version: differs where the file was changed.
    """
    table: dict[str, Any] = parse_json(Path(__file__).with_name(TABLE_FILE).read_text("utf-8"))
    if override is not None:
        extra = parse_json(read_file(override, FILE_LIMIT).decode("utf-8-sig"), object_pairs_hook=once)
        merged = _merge(table, extra)
        check_table(merged, frozenset(next(iter(table["prices_usd_per_million"].values()))))
        table = merged
    return Registry(
        collected=date.fromisoformat(table["collected"]),
        default=table["default"],
        models=tuple(Model(**_freeze(row)) for row in table["models"]),
        size_rules={name: SizeRule(**_freeze(rule)) for name, rule in table["size_rules"].items()},
        prices=table["prices_usd_per_million"],
        output_tokens=table["output_tokens"],
    )


def usable_registry(override: Path) -> Registry:
    """The table, without an override that can't be used: what it may say of is refused then, and no more."""
    try:
        return load_registry(override)
    except ConfigurationError as error:
        return replace(load_registry(), fault=error)


def _merge(table: dict[str, Any], extra: Any) -> dict[str, Any]:
    if not isinstance(extra, dict):
        raise ValueError("it is no JSON object")
    rows = {row["id"]: row for row in table["models"]}
    added = extra.get("models", [])
    if not isinstance(added, list) or len(added) > COUNT_LIMIT:
        raise ValueError("models is no list of a reasonable length")
    seen: set[str] = set()
    for row in added:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise ValueError("a model has no id")
        if row["id"] in seen:
            raise ValueError(f"the model {row['id']!r:.60} is there twice")
        seen.add(row["id"])
        rows[row["id"]] = rows.get(row["id"], {}) | row
    merged = dict(table)
    merged.update((key, extra[key]) for key in ("default", "collected") if key in extra)
    for key in ("size_rules", "prices_usd_per_million", "output_tokens"):
        part = extra.get(key, {})
        if not isinstance(part, dict) or len(part) > COUNT_LIMIT:
            raise ValueError(f"{key} is no JSON object of a reasonable size")
        merged[key] = {**table[key], **part}
    merged["models"] = list(rows.values())
    return merged


def _freeze(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def gif_frames(request: GenerationRequest) -> int:
    """Frames of the image that a request is for; 0 for a still one."""
    return (request.frame_count or DEFAULT_GIF_FRAMES) if request.output_format == "gif" else 0


def check(request: GenerationRequest, registry: Registry, today: date) -> tuple[str, ...]:
    """Check a request against the model it names.

    :returns: warnings, each a sentence.
    :raises InvalidRequestError: the first thing that the model does not take, and what to use instead.
    :raises ConfigurationError: only the user's table may know the model, and it can't be used.
    """
    check_values(request)
    model = registry.get(request.model)
    if registry.fault is not None and not model.known:
        raise registry.fault
    _check_alive(request.model, model, today)
    if model.known and model.provider != request.provider:
        raise InvalidRequestError(
            message(
                "The model {model} belongs to the provider {provider}, not to {given}.",
                model=request.model,
                provider=model.provider,
                given=request.provider,
            ),
            param="model",
        )
    _check_format(request)
    _check_features(request, model)
    _check_room_for_copy(request, model)
    _check_size(request, registry.size_rule(model, gif_frames(request)))
    return _list_warnings(request, registry, model, today)


def _check_room_for_copy(request: GenerationRequest, model: Model) -> None:
    if request.marked_as(takes_markup=model.markup) == "copy" and len(request.references) >= REFERENCE_LIMIT:
        raise InvalidRequestError(
            message(
                "The points are sent as one more image; {limit} references are the limit.",
                limit=REFERENCE_LIMIT,
            ),
            param="points",
            next_step="Remove a reference.",
        )


def _check_alive(name: str, model: Model, today: date) -> None:
    if model.is_shut_down(today):
        raise InvalidRequestError(
            message(
                "The model {model} was shut down on {date}; use {replacement} instead.",
                model=name,
                date=model.shutdown,
                replacement=model.replacement,
            ),
            code="model_shut_down",
            param="model",
        )


def _check_format(request: GenerationRequest) -> None:
    info = find_provider(request.provider)
    if info.formats and request.output_format not in info.formats:
        raise InvalidRequestError(
            message(
                "The provider {provider} makes {formats}, not {format}.",
                provider=info.label,
                formats=one_of(info.formats),
                format=request.output_format,
            ),
            code="invalid_value",
            param="output_format",
        )


def _check_size(request: GenerationRequest, rule: SizeRule) -> None:
    if request.size == AUTO:
        return
    width, height = parse_size(request.size)
    problem = rule.problem(width, height)
    if problem is not None:
        nearest = format_size(*rule.nearest(width, height))
        raise InvalidRequestError(
            f"size {request.size} {problem}; use {nearest} instead.", code="invalid_value", param="size"
        )


def _check_features(request: GenerationRequest, model: Model) -> None:
    name = request.model
    for row in CHOSEN_BY_MODEL:
        param, value, allowed = row.name, getattr(request, row.name), row.taken_by(model)
        if value is None or value in allowed:
            continue
        problem = message(
            "{name} does not take {param} '{value}'; leave it out.", name=name, param=param, value=value
        )
        if allowed:
            problem = message(
                "{name} does not take {param} '{value}'; it takes {values}.",
                name=name,
                param=param,
                value=value,
                values=", ".join(allowed),
            )
        raise InvalidRequestError(problem, code="invalid_value", param=param)
    refused = (
        (
            "background",
            request.background == "transparent" and model.transparent == "no",
            Message("a transparent background"),
        ),
        ("markup", request.markup is not None and not model.markup, Message("a markup")),
        (
            "output_format",
            request.output_format in ANIMATED_OR_DRAWN and not model.vector,
            message("the output format {format}", format=request.output_format),
        ),
    )
    for param, broken, what in refused:
        if broken:
            raise InvalidRequestError(
                message("{name} does not offer {what}.", name=name, what=what),
                code="invalid_value",
                param=param,
            )


def _list_warnings(
    request: GenerationRequest, registry: Registry, model: Model, today: date
) -> tuple[str, ...]:
    found: list[str] = []
    if not model.known:
        found.append(
            message(
                "The model {model} is not in the table of {date}; the request is sent as it is, and its "
                "price is only a guess.",
                model=request.model,
                date=registry.collected,
            )
        )
    if model.shutdown is not None and date.fromisoformat(model.shutdown) - today <= SUNSET_NOTICE:
        found.append(
            message(
                "{model} shuts down on {date}; {replacement} replaces it.",
                model=request.model,
                date=model.shutdown,
                replacement=model.replacement,
            )
        )
    if request.background == "transparent" and model.transparent == "preview":
        found.append(
            message(
                "{model} offers a transparent background only as a preview and may refuse it.",
                model=request.model,
            )
        )
    if request.is_edit and request.moderation != "auto":
        found.append("moderation has no effect on edits; it is not sent.")
    if request.size != AUTO:
        width, height = parse_size(request.size)
        limit = registry.size_rule(model).experimental_above
        is_default = SHEET in request.reference_kinds and (width, height) in SHEET_SIZES
        if limit is not None and width * height > limit and not is_default:
            found.append(message("Sizes over 2560x1440 such as {size} are experimental.", size=request.size))
    return tuple(found)


@dataclass(frozen=True)
class Successor:
    """The model to use instead."""

    model: str
    notice: str
    """One sentence for the user."""


def successor(model_id: str, registry: Registry, today: date) -> Successor | None:
    """What to use in place of a model on a day; None where the model still answers.

    Replacements that have been shut down themselves are followed further; where the table names none that is
    left, the default model is taken.
    """
    model = registry.get(model_id)
    if not model.is_shut_down(today):
        return None
    seen = {model.id}
    found = registry.get(model.replacement) if model.replacement else None
    while found is not None and found.is_shut_down(today):
        seen.add(found.id)
        following = registry.get(found.replacement) if found.replacement else None
        found = following if following is not None and following.id not in seen else None
    new = found.id if found is not None else registry.default
    return Successor(
        new,
        message(
            "{model} was shut down on {date}; {replacement} is used instead.",
            model=model_id,
            date=model.shutdown,
            replacement=new,
        ),
    )
