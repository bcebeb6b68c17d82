"""Runs pytest inside a full Blender: ``blender -b --python tests/run_in_blender.py -- ARGUMENTS…``.

``make test-blender`` calls it; GPT_IMAGE_TEST_SITE is the folder with pytest and Pillow for this Blender's
Python. It comes last in the path: what Blender bundles is what is tested. Tests that start plain Python
processes give it to them too; those whose processes import bpy are left to the bpy module.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append(os.environ["GPT_IMAGE_TEST_SITE"])

import pytest

os.environ["PYTHONPATH"] = os.environ["GPT_IMAGE_TEST_SITE"]
sys.exit(pytest.main(["-m", "not bpy_module", *sys.argv[sys.argv.index("--") + 1 :]]))
