"""Prices: the published ones come out, and what is not published is marked as a guess."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gpt_image_addon.core.errors import BudgetExceededError
from gpt_image_addon.core.jobs.estimates import price_unchecked
from gpt_image_addon.core.providers.openai import pricing as token_prices
from gpt_image_addon.core.providers.openai.pricing import cost_usd, input_image_tokens, patch_tokens
from gpt_image_addon.core.request import pricing
from gpt_image_addon.core.request.models import Registry, load_registry
from gpt_image_addon.core.request.pricing import (
    Estimate,
    Limits,
    Observed,
    Usage,
    check_limit,
    picture_tokens,
)
from gpt_image_addon.core.request.request import GenerationRequest

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
    seen: pricing.UsageHistory = pricing.no_history,
) -> Estimate:
    return price_unchecked(asked, registry, sizes, seen).price


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


@pytest.mark.parametrize("model", ["gpt-image-1.5", "gpt-image-2.5-sunburst"])
def test_a_size_of_the_servers_choice_costs_what_its_sizes_cost(registry: Registry, model: str) -> None:
    asked = request(model=model, quality="medium", size="auto")
    sizes = ("1024x1024", "1536x1024", "1024x1536")
    prices = [estimate(dataclasses.replace(asked, size=size), registry) for size in sizes]
    price = estimate(asked, registry)
    assert price.low_usd == min(each.low_usd for each in prices)
    assert price.high_usd == max(each.high_usd for each in prices)


def test_an_unpublished_table_is_about(registry: Registry) -> None:
    price = estimate(request(model="gpt-image-2.6-sunburst", quality="low"), registry)
    assert not price.exact
    assert price.high_usd > 3.9 * price.low_usd


@pytest.mark.parametrize(
    ("quality", "size", "tokens"),
    [("low", "1536x1024", 664), ("high", "1536x1024", 1353), ("high", "3840x2160", 3337)],
)
def test_what_others_measured_is_covered(registry: Registry, quality: str, size: str, tokens: int) -> None:
    price = estimate(request(model="gpt-image-2.6-sunburst", quality=quality, size=size), registry)
    assert usd(tokens) <= price.high_usd


@pytest.mark.parametrize("quality", ["low", "medium"])
def test_four_times_the_tokens_of_the_model_before_are_covered(registry: Registry, quality: str) -> None:
    for width, height in SIZES:
        asked = request(quality=quality, size=f"{width}x{height}")
        before = estimate(asked, registry)
        price = estimate(dataclasses.replace(asked, model="gpt-image-2.6-flare"), registry)
        assert price.high_usd > 4 * before.low_usd


def test_the_model_that_draws_an_svg_is_paid_too(registry: Registry) -> None:
    still = estimate(request(quality="low"), registry)
    drawn = estimate(request(quality="low", output_format="svg", svg_model="gpt-6"), registry)
    assert not drawn.exact and drawn.low_usd == still.low_usd
    assert drawn.likely_usd - still.likely_usd == pytest.approx(0.02)
    assert drawn.high_usd - still.high_usd == pytest.approx(0.04)
    usage = Usage(output_image=1000, svg_input=1_000_000, svg_output=2_000_000)
    assert cost_usd(usage, registry, "gpt-image-2.6-flare") == pytest.approx(0.03 + 0.1 + 1.0)
    assert usage.to_dict()["svg_usage"] == {
        "total_tokens": 3_000_000,
        "input_tokens": 1_000_000,
        "output_tokens": 2_000_000,
    }
    assert "svg_usage" not in Usage(output_image=1000).to_dict()


def test_what_ends_in_december_has_the_newest_for_its_place(registry: Registry) -> None:
    ends = {row.id: row.replacement for row in registry.models if row.shutdown == "2026-12-01"}
    assert ends == {
        "gpt-image-1.5": "gpt-image-2.6-sunburst",
        "chatgpt-image-latest": "gpt-image-2.6-sunburst",
        "gpt-image-1-mini": "gpt-image-2.6-flare",
    }


def test_the_older_table_knows_the_orientation(registry: Registry) -> None:
    sizes = ("1024x1024", "1024x1536", "1536x1024")
    old = [estimate(request(model="gpt-image-1.5", quality="medium", size=size), registry) for size in sizes]
    assert [round(price.low_usd * 1e6 / 32) for price in old] == pytest.approx([1056, 1584, 1568], abs=2)


def test_n_previews_and_images_cost(registry: Registry) -> None:
    one = estimate(request(quality="low"), registry).high_usd
    assert estimate(request(quality="low", n=4), registry).high_usd == pytest.approx(4 * one, rel=0.02)
    previews = estimate(request(quality="low", partial_images=3), registry).high_usd
    assert previews - one == pytest.approx(300 * 30e-6)
    imaged = estimate(request(quality="low"), registry, ((1024, 1024),)).high_usd
    assert imaged - one == pytest.approx(1024 * 8e-6)


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


@pytest.mark.parametrize("kind", ["text_in", "image_in", "text_out", "image_out"])
def test_each_kind_of_token_has_its_own_price(registry: Registry, kind: str) -> None:
    model = "gpt-image-1.5"
    field = {
        "text_in": "input_text",
        "image_in": "input_image",
        "text_out": "output_text",
        "image_out": "output_image",
    }[kind]
    none = Usage(input_text=0, input_image=0, output_text=0, output_image=0)
    usage = dataclasses.replace(none, **{field: 1_000_000})
    price = registry.prices[registry.get(model).prices or ""][kind]
    assert price > 0 and cost_usd(usage, registry, model) == pytest.approx(price)
    assert cost_usd(none, registry, model) == 0


def test_a_request_without_previews_pays_for_none(registry: Registry) -> None:
    fields = {"model": "gpt-image-2.6-flare", "prompt": "oak", "size": "1024x1024", "quality": "low", "n": 1}
    plain = token_prices.estimate(fields, registry)
    single = token_prices.estimate({**fields, "partial_images": 1}, registry)
    double = token_prices.estimate({**fields, "partial_images": 2, "n": 1}, registry)
    assert double.high_usd - single.high_usd == pytest.approx(single.high_usd - plain.high_usd)
    without_n = token_prices.estimate(
        {name: value for name, value in fields.items() if name != "n"}, registry
    )
    assert without_n.high_usd == plain.high_usd and plain.further_usd == 0
    assert token_prices.estimate({**fields, "n": 2}, registry).high_usd > 1.9 * plain.high_usd


def test_offline_drafts_are_free(registry: Registry) -> None:
    price = estimate(request(provider="offline", model="offline-draft"), registry)
    assert (price.low_usd, price.high_usd) == (0, 0)


def test_estimates_have_shares_and_sums() -> None:
    one, follow_up = Estimate(1.0, 4.0, True, 2.0, 3.0), Estimate(10.0, 40.0, True, 20.0, 30.0)
    assert one.times(0.5) == Estimate(0.5, 2.0, True, 1.0, 1.5)
    assert one.plus(follow_up) == Estimate(
        11.0, 44.0, True, 22.0, 43.0
    )  # all of the second is for follow-ups
    about = dataclasses.replace(follow_up, exact=False)
    assert not about.times(2).exact and not one.plus(about).exact and not about.plus(one).exact


def seen(count: int, lowest: float, mean: float, highest: float) -> pricing.UsageHistory:
    return lambda model, quality, size: Observed(count, mean, lowest, highest)


def usd(tokens: float) -> float:
    return tokens * 30e-6


def test_the_middle_is_likely_where_nothing_was_seen(registry: Registry) -> None:
    price = estimate(request(quality="auto"), registry)
    assert price.likely_usd == pytest.approx(usd((196 + 7024) / 2), abs=1e-4)
    free = Estimate(0.0, 0.0, exact=True)
    assert (free.likely_usd, free.further_usd) == (0, 0)


def test_experience_replaces_a_guess(registry: Registry) -> None:
    asked = request(model="gpt-image-2.6-sunburst", quality="low")
    guess = estimate(asked, registry)
    learned = estimate(asked, registry, seen=seen(3, 600, 620, 640))
    assert not learned.exact
    assert guess.low_usd < learned.low_usd <= learned.likely_usd <= learned.high_usd < 1.3 * usd(640)
    assert learned.low_usd == pytest.approx(usd(600), abs=1e-4)
    assert learned.likely_usd == pytest.approx(usd(620), abs=1e-4)
    assert learned.high_usd > usd(640)


def test_a_single_answer_only_widens_the_range(registry: Registry) -> None:
    asked = request(model="gpt-image-2.6-sunburst", quality="low")
    guess = estimate(asked, registry)
    inside = estimate(asked, registry, seen=seen(1, 600, 600, 600))
    assert (inside.low_usd, inside.high_usd) == (guess.low_usd, guess.high_usd)
    dearer = estimate(asked, registry, seen=seen(1, 5000, 5000, 5000))
    assert dearer.low_usd == guess.low_usd and dearer.high_usd > usd(5000)


def test_published_bounds_stay(registry: Registry) -> None:
    asked = request(quality="auto")
    table = estimate(asked, registry)
    learned = estimate(asked, registry, seen=seen(50, 439, 500, 1756))
    assert (learned.low_usd, learned.high_usd) == (table.low_usd, table.high_usd)
    assert learned.likely_usd == pytest.approx(usd(500), abs=1e-4)
    sure = estimate(request(quality="low"), registry, seen=seen(50, 196, 196, 196))
    assert sure.exact
    drifted = estimate(request(quality="low"), registry, seen=seen(50, 196, 250, 300))
    assert not drifted.exact and drifted.high_usd >= usd(300)


def test_an_unknown_model_learns(registry: Registry) -> None:
    asked = request(model="gpt-image-9", quality="low")
    assert not estimate(asked, registry).exact
    learned = estimate(asked, registry, seen=seen(9, 90, 100, 110))
    assert not learned.exact and learned.high_usd < estimate(asked, registry).high_usd


def test_what_the_tables_do_not_know_is_about(registry: Registry) -> None:
    gif = estimate(request(quality="low", output_format="gif", frame_count=4), registry)
    assert not gif.exact and gif.high_usd > 3.9 * estimate(request(quality="low"), registry).low_usd


@pytest.mark.parametrize(
    ("usage", "n", "partial_images", "tokens"),
    [
        ({"output_tokens": 400}, 2, 0, 200),
        ({"output_tokens": 1000}, 2, 3, 200),
        ({"output_tokens": 0}, 1, 0, None),
        ({"output_tokens": "many"}, 1, 0, None),
        ({}, 1, 0, None),
        (None, 1, 0, None),
    ],
)
def test_tokens_of_an_image(usage: Any, n: int, partial_images: int, tokens: float | None) -> None:
    assert picture_tokens(usage, n, partial_images) == tokens


def test_a_limit_is_an_upper_bound(registry: Registry) -> None:
    price = estimate(request(quality="max"), registry)
    check_limit(price, Limits())
    check_limit(price, Limits(max_cost_usd=0.22))
    with pytest.raises(BudgetExceededError, match="0\\.21") as caught:
        check_limit(price, Limits(max_cost_usd=0.21))
    assert (caught.value.exit_code, caught.value.code) == (5, "max_cost_exceeded")
    assert "--max-cost 0.22" in caught.value.text
    check_limit(estimate(request(provider="offline", model="offline-draft"), registry), Limits(0.0))


@pytest.mark.parametrize(("usd", "needed"), [(0.5, "0.50"), (2.0, "2.00"), (0.501, "0.51")])
def test_the_limit_that_would_do_is_named(usd: float, needed: str) -> None:
    with pytest.raises(BudgetExceededError) as caught:
        check_limit(Estimate(usd, usd, True), Limits(max_cost_usd=usd - 0.001))
    assert f"--max-cost {needed} " in caught.value.text
    check_limit(Estimate(usd, usd, True), Limits(max_cost_usd=float(needed)))


@pytest.mark.parametrize(
    ("cost", "high_usd", "believed"),
    [
        (0.0, 0.0, True),
        (0.0, 0.1, True),
        (2.0, 0.1, True),
        (2.001, 0.1, False),
        (100.0, 50.0, True),
        (100.1, 50.0, False),
        (-0.001, 0.1, False),
        (float("nan"), 0.1, False),
    ],
)
def test_what_an_answer_says_it_cost_is_believed_within_reason(
    cost: float, high_usd: float, believed: bool
) -> None:
    assert pricing.is_believable(cost, high_usd) is believed
