"""Runs pytest inside a full Blender: ``blender -b --python tests/run_in_blender.py -- ARGUMENTS…``.

``make test-blender`` calls it; GPT_IMAGE_TEST_SITE is the folder with pytest and Pillow for this Blender's
Python. It comes last in the path: what Blender bundles is what is tested.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append(os.environ["GPT_IMAGE_TEST_SITE"])

import pytest

sys.exit(pytest.main(sys.argv[sys.argv.index("--") + 1 :]))
