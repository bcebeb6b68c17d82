"""Cuts the images of docs/steps.md out of the screenshots that the run by hand leaves in out/gui."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT / "out" / "gui"
IMAGES = ROOT / "docs" / "steps"
VIEW = (560, 60, 1400, 812)  # the middle of the 3D view and its sidebar, in a window of 1600 x 900
QUALITY = 80  # of 100: texts are still sharp
SHOWN = (
    "02-prompt-and-price",
    "04-viewport-as-reference",
    "03-two-previews",
    "05-a-preview",
    "07-one-cancelled",
    "09-undone",
    "10-redone",
    "12-searched",
    "14-menu-of-a-result",
    "15-material",
    "16-strokes-over-the-view",
    "17-rectangle",
)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    for name in SHOWN:
        with Image.open(SHOTS / f"{name}.png") as shot:
            image = shot.convert("RGB").crop(VIEW)
        image.save(IMAGES / f"{name[3:]}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
