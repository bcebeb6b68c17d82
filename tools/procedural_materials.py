"""Makes procedural materials with their true maps, any number from a seed.

python tools/procedural_materials.py FOLDER [--count N] [--side PIXELS] [--seed N]

Each becomes a set of maps as tools/evaluate_maps.py reads them. The recipes are in
tools/procedural/recipes.py; every material is another throw of the dice: sizes, depth, colors, stains, dirt.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.textures.relief import ambient_occlusion, normal_map, steepness
from tools.procedural.patterns import Dice, Field, noise, smooth, unit
from tools.procedural.recipes import RECIPES, Recipe
from tools.procedural.shapes import Shape

DEPTH_SPREAD = 0.35  # standard deviation of the logarithm of how much steeper or flatter than usual
BEYOND = 1.15  # of half the range: how far colors go past the ends of their ramp


@dataclass(frozen=True)
class Made:
    """A material and its maps."""

    words: str
    color: Field
    """(H, W, 3) sRGB in 0..1."""
    height: Field
    """(H, W) in 0..1."""
    depth: float
    """Pixels that 1 of the height stands for."""
    roughness: Field
    metallic: float

    @property
    def normal(self) -> Field:
        """(H, W, 3) in 0..1, OpenGL."""
        return normal_map(self.height, self.depth, True, wide=True, fine=True).astype(np.float32) / 65535

    @property
    def occlusion(self) -> Field:
        """(H, W) in 0..1."""
        return ambient_occlusion(self.height, self.depth, True)


def main() -> int:
    """Write the sets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=len(RECIPES))
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for index in range(arguments.count):
        made = make_material(index, arguments.seed, arguments.side)
        folder = arguments.folder / f"{made.words.replace(' ', '_')}_{index:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        metallic = np.full_like(made.height, made.metallic)
        maps = {
            "base_color": made.color,
            "height": made.height,
            "roughness": made.roughness,
            "metallic": metallic,
        }
        maps |= {"normal": made.normal, "ao": made.occlusion}
        for kind, plane in maps.items():
            Image.fromarray(np.rint(plane * 255).clip(0, 255).astype(np.uint8)).save(folder / f"{kind}.png")
    return 0


def make_material(index: int, seed: int = 0, side: int = 512) -> Made:
    """Material `index`: the recipes in turn, each time with other dice."""
    recipe = RECIPES[index % len(RECIPES)]
    dice = np.random.default_rng((seed, index))
    shape = recipe.build(dice, side)
    low, high = float(shape.height.min()), float(shape.height.max())
    height = ((shape.height - low) / max(high - low, 1e-6)).astype(np.float32)
    slope = recipe.slope * float(np.exp(dice.normal(0, DEPTH_SPREAD)))
    depth = slope / max(steepness(height), 1e-6)
    color = paint(recipe, shape, height, dice)
    detail = 0.08 * unit(color.mean(-1)) * dice.choice([-1, 1]) + 0.03 * noise(dice, side, 8)
    roughness = np.clip(recipe.roughness + dice.normal(0, 0.08) + detail, 0.02, 1).astype(np.float32)
    return Made(recipe.words, color, height, depth, roughness, recipe.metallic)


def paint(recipe: Recipe, shape: Shape, height: Field, dice: Dice) -> Field:
    """The base color (H, W, 3) of a shape: pieces of other tints, stains, dirt in the hollows."""
    side = len(height)
    hollow = unit(smooth(height, 4) - height)
    stains = noise(dice, side, dice.uniform(10, side / 3), dice.uniform(1.2, 2.4))
    fine = noise(dice, side, dice.uniform(1.5, 6), 1.3)
    weights = dice.dirichlet((2, 2, 1)) * recipe.painted
    tone = weights[0] * shape.tint + weights[1] * stains + weights[2] * fine
    tone += (1 - recipe.painted) * 0.3 * shape.tint
    tone -= dice.normal(0.18, 0.15) * np.clip(hollow, -2, 2) + dice.normal(0.05, 0.1) * unit(height)
    color = ramp(recipe.colors, 0.5 + BEYOND * 0.3 * tone)
    joints = recipe.joints.split()
    joint = rgb(joints[dice.integers(len(joints))]) * (1 + 0.12 * fine + 0.08 * stains)[..., None]
    seen = (shape.joint * dice.uniform(0.5, 1))[..., None]
    color += (joint - color) * seen
    color *= 1 + dice.normal(0, 0.05, 3) + dice.normal(0, 0.1)
    return np.clip(color, 0.01, 0.98).astype(np.float32)


def ramp(colors: str, tone: Field) -> Field:
    """Colors (H, W, 3) for `tone` 0..1 along evenly spaced stops."""
    stops = np.array([rgb(color) for color in colors.split()])
    where = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(tone, where, stops[:, channel]) for channel in range(3)], -1).astype(
        np.float32
    )


def rgb(code: str) -> Field:
    """sRGB in 0..1 of #rrggbb."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


if __name__ == "__main__":
    raise SystemExit(main())
