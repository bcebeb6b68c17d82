"""What replaces a model, on days that the test sets."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from gpt_image_addon.core.request.models import Model, Registry, load_registry, successor


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def test_a_model_is_kept_until_its_last_day(registry: Registry) -> None:
    assert successor("gpt-image-1.5", registry, date(2026, 11, 30)) is None
    found = successor("gpt-image-1.5", registry, date(2026, 12, 1))
    assert found is not None and found.model == "gpt-image-2.6-sunburst"
    assert found.notice == (
        "gpt-image-1.5 was shut down on 2026-12-01; gpt-image-2.6-sunburst is used instead."
    )


@pytest.mark.parametrize("model", ["gpt-image-2.6-sunburst", "somebody-elses-model", "offline-draft"])
def test_what_has_no_end_stays(registry: Registry, model: str) -> None:
    assert successor(model, registry, date(2999, 1, 1)) is None


def test_a_snapshot_goes_with_its_model(registry: Registry) -> None:
    found = successor("gpt-image-1.5-2025-12-16", registry, date(2027, 1, 1))
    assert found is not None and found.notice.startswith("gpt-image-1.5-2025-12-16 ")


def chain(*rows: tuple[str, str | None, str | None]) -> Registry:
    models = tuple(Model(id=name, shutdown=end, replacement=next_one) for name, end, next_one in rows)
    return dataclasses.replace(load_registry(), default="last", models=(*models, Model(id="last")))


def test_dead_replacements_are_followed() -> None:
    rows = chain(("a", "2026-01-01", "b"), ("b", "2027-01-01", "c"), ("c", None, None))
    for today, model in ((date(2026, 6, 1), "b"), (date(2027, 6, 1), "c")):
        found = successor("a", rows, today)
        assert found is not None and found.model == model


@pytest.mark.parametrize("replacement", [None, "a", "b"])
def test_a_chain_without_an_end_leads_to_the_default(replacement: str | None) -> None:
    rows = chain(("a", "2026-01-01", "b"), ("b", "2026-01-01", replacement))
    found = successor("a", rows, date(2026, 6, 1))
    assert found is not None and found.model == "last"
