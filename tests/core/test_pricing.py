"""Prices: the published ones come out, and what is not published is marked as a guess."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gpt_image_addon.core import pricing
from gpt_image_addon.core.admission import sent_fields
from gpt_image_addon.core.models import Registry, load_registry
from gpt_image_addon.core.pricing import (
    Estimate,
    Usage,
    cost_usd,
    input_image_tokens,
    patch_tokens,
)
from gpt_image_addon.core.request import GenerationRequest

# Output tokens by factor, for 1024x1024, 1536x1024, 2048x2048 and 3840x2160.
PUBLISHED_TOKENS = {
    16: (196, 158, 397, 371),
    24: (439, 343, 892, 865),
    48: (1756, 1372, 3568, 3336),
    64: (3122, 2459, 6343, 5930),
    96: (7024, 5488, 14272, 13342),
}
SIZES = ((1024, 1024), (1536, 1024), (2048, 2048), (3840, 2160))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def estimate(
    asked: GenerationRequest,
    registry: Registry,
    sizes: tuple[tuple[int, int], ...] = (),
    seen: pricing.Seen = pricing.nothing_seen,
) -> Estimate:
    return pricing.estimate(sent_fields(asked), registry, sizes, seen)


def request(**changes: Any) -> GenerationRequest:
    base = GenerationRequest(prompt="wood", provider="openai", model="gpt-image-2.5-sunburst")
    return dataclasses.replace(base, **changes)


@pytest.mark.parametrize("factor", PUBLISHED_TOKENS)
def test_output_tokens_are_the_published_ones(factor: int) -> None:
    assert tuple(patch_tokens(factor, *size) for size in SIZES) == PUBLISHED_TOKENS[factor]
    assert patch_tokens(factor, 1024, 1536) == patch_tokens(factor, 1536, 1024)


@pytest.mark.parametrize(
    ("quality", "usd"),
    [("low", 0.0059), ("medium", 0.0132), ("high", 0.0527), ("xhigh", 0.0937), ("max", 0.2107)],
)
def test_a_square_costs_the_published_price(registry: Registry, quality: str, usd: float) -> None:
    price = estimate(request(quality=quality), registry)
    assert price.exact
    assert price.low_usd == pytest.approx(usd, abs=2e-4)
    assert price.low_usd <= price.high_usd <= price.low_usd + 2e-4


def test_what_is_left_open_gives_a_range(registry: Registry) -> None:
    price = estimate(request(quality="auto", size="auto"), registry)
    assert not price.exact
    assert price.low_usd < 0.006 and price.high_usd > 0.21


def test_an_unpublished_table_is_about(registry: Registry) -> None:
    price = estimate(request(model="gpt-image-2.6-sunburst", quality="low"), registry)
    assert not price.exact
    assert price.high_usd > 3.9 * price.low_usd


def test_the_older_table_knows_the_orientation(registry: Registry) -> None:
    sizes = ("1024x1024", "1024x1536", "1536x1024")
    old = [estimate(request(model="gpt-image-1.5", quality="medium", size=size), registry) for size in sizes]
    assert [round(price.low_usd * 1e6 / 32) for price in old] == pytest.approx([1056, 1584, 1568], abs=2)


def test_n_previews_and_pictures_cost(registry: Registry) -> None:
    one = estimate(request(quality="low"), registry).high_usd
    assert estimate(request(quality="low", n=4), registry).high_usd == pytest.approx(4 * one, rel=0.02)
    fields = {**sent_fields(request(quality="low")), "partial_images": 3}
    previews = pricing.estimate(fields, registry).high_usd
    assert previews - one == pytest.approx(300 * 30e-6)
    pictured = estimate(request(quality="low"), registry, ((1024, 1024),)).high_usd
    assert pictured - one == pytest.approx(1024 * 8e-6)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((1024, 1024), 1024), ((512, 512), 1024), ((256, 256), 256), ((4000, 4000), 1536), ((3000, 100), 1536)],
)
def test_input_tokens(size: tuple[int, int], tokens: int) -> None:
    assert input_image_tokens(*size) == input_image_tokens(*reversed(size)) == tokens


def test_the_cost_is_that_of_the_usage(registry: Registry) -> None:
    usage = Usage(input_text=1_000_000, input_image=1_000_000, output_image=1_000_000)
    assert cost_usd(usage, registry, "gpt-image-2.6-flare") == pytest.approx(5 + 8 + 30)
    assert cost_usd(usage, registry, "gpt-image-1.5") == pytest.approx(5 + 8 + 32)
    assert cost_usd(usage, registry, "offline-draft") == 0
    assert cost_usd(usage, registry, "somebody-elses-model") is None


def test_offline_drafts_are_free(registry: Registry) -> None:
    price = estimate(request(provider="offline", model="offline-draft"), registry)
    assert (price.low_usd, price.high_usd) == (0, 0)
