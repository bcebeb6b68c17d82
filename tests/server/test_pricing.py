"""The server's own arithmetic against published figures."""

from __future__ import annotations

import pytest

from ..api_server import pricing

PUBLISHED = {  # Q factor: 1024x1024, 1536x1024, 2048x2048, 3840x2160
    ("2", "low"): (196, 158, 397, 371),
    ("2.5", "low"): (196, 158, 397, 371),
    ("2.5", "medium"): (439, 343, 892, 865),
    ("2.5", "high"): (1756, 1372, 3568, 3336),
    ("2", "medium"): (1756, 1372, 3568, 3336),
    ("2.5", "xhigh"): (3122, 2459, 6343, 5930),
    ("2.5", "max"): (7024, 5488, 14272, 13342),
    ("2", "high"): (7024, 5488, 14272, 13342),
    ("2.6", "high"): (1756, 1372, 3568, 3336),
}
SIZES = ((1024, 1024), (1536, 1024), (2048, 2048), (3840, 2160))


@pytest.mark.parametrize(("family", "quality"), PUBLISHED)
def test_output_tokens(family: str, quality: str) -> None:
    tokens = tuple(pricing.output_tokens(family, quality, *size) for size in SIZES)
    assert tokens == PUBLISHED[family, quality]
    assert pricing.output_tokens(family, quality, 1024, 1536) == tokens[1]


def test_published_prices_of_a_square() -> None:
    usd = [
        pricing.Usage(0, 0, pricing.output_tokens("2.5", quality, 1024, 1024)).usd("2.5")
        for quality in ("low", "medium", "high", "xhigh", "max")
    ]
    assert [round(price, 4) for price in usd] == [0.0059, 0.0132, 0.0527, 0.0937, 0.2107]


def test_first_generation() -> None:
    shapes = ((1024, 1024), (1024, 1536), (1536, 1024))
    assert [pricing.output_tokens("1.5", "high", *shape) for shape in shapes] == [4160, 6240, 6208]
    assert pricing.Usage(1_000_000, 1_000_000, 1_000_000).usd("1-mini") == pytest.approx(2 + 2.5 + 8)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((1024, 1024), 1024),
        ((512, 512), 1024),
        ((100, 100), 49),
        ((2048, 2048), 1536),
        ((1200, 100), 38 * 13),
    ],
)
def test_input_images(size: tuple[int, int], tokens: int) -> None:
    assert pricing.input_image_tokens(*size) == tokens


def test_usage_adds_up() -> None:
    usage = pricing.usage_of(
        "2.5", "low", (1024, 1024), prompt="one two three", images=2, partials=3, references=[(1024, 1024)]
    )
    assert usage == pricing.Usage(4 + 6, 1024, 2 * 196 + 300)
    body = usage.to_json(details=True)
    assert body["total_tokens"] == body["input_tokens"] + body["output_tokens"] == 10 + 1024 + 692
    assert usage.usd("2.5") == pytest.approx((10 * 5 + 1024 * 8 + 692 * 30) / 1e6)
