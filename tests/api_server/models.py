"""The models the server offers and what each of them takes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

LOW_TO_HIGH = ("low", "medium", "high", "auto")
LOW_TO_MAX = ("low", "medium", "high", "xhigh", "max", "auto")
OLD_SIZES = ("1024x1024", "1536x1024", "1024x1536", "auto")


@dataclass(frozen=True)
class Model:
    """One entry of the model list; `sizes` is empty where any legal `WxH` is taken."""

    id: str
    family: str
    created: str
    shutdown: str | None = None
    qualities: tuple[str, ...] = LOW_TO_MAX
    sizes: tuple[str, ...] = ()
    complexity: bool = False
    markup: bool = False
    input_fidelity: tuple[str, ...] = ()

    def is_retired(self, today: datetime.date) -> bool:
        return self.shutdown is not None and datetime.date.fromisoformat(self.shutdown) <= today

    def entry(self) -> dict[str, object]:
        """The model as `GET /v1/models` lists it."""
        created = datetime.datetime.fromisoformat(self.created).replace(tzinfo=datetime.UTC)
        return {
            "id": self.id,
            "object": "model",
            "created": int(created.timestamp()),
            "owned_by": "system",
            "shutdown_date": self.shutdown,
        }


def _v26(name: str) -> Model:
    return Model(name, "2.6", "2026-11-04", complexity=True, markup=True)


def _v25(name: str) -> Model:
    return Model(name, "2.5", "2026-09-08", markup=True)


def _v2(name: str) -> Model:
    return Model(name, "2", "2026-04-21", qualities=LOW_TO_HIGH)


def _v1(name: str, family: str, shutdown: str, fidelity: tuple[str, ...]) -> Model:
    return Model(name, family, "2025-12-16", shutdown, LOW_TO_HIGH, OLD_SIZES, input_fidelity=fidelity)


MODELS: dict[str, Model] = {
    model.id: model
    for model in (
        _v26("gpt-image-2.6-sunburst"),
        _v26("gpt-image-2.6-flare"),
        _v25("gpt-image-2.5-sunburst"),
        _v25("gpt-image-2.5-sunburst-2026-09-08"),
        _v25("gpt-image-2.5-flare"),
        _v25("gpt-image-2.5-flare-2026-09-08"),
        _v2("gpt-image-2"),
        _v2("gpt-image-2-2026-04-21"),
        _v1("gpt-image-1.5", "1.5", "2026-12-01", ("high", "low")),
        _v1("gpt-image-1.5-2025-12-16", "1.5", "2026-12-01", ("high", "low")),
        _v1("chatgpt-image-latest", "1.5", "2026-12-01", ("high", "low")),
        _v1("gpt-image-1-mini", "1-mini", "2026-12-01", ("low",)),
        _v1("gpt-image-1", "1", "2026-10-23", ("high", "low")),
        Model("dall-e-2", "dall-e", "2022-11-03", "2026-05-12"),
        Model("dall-e-3", "dall-e", "2023-11-06", "2026-05-12"),
    )
}
