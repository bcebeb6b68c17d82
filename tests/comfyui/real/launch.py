"""Starts ComfyUI's main.py where torchvision's and torchaudio's own code can't be loaded.

``PYTHON launch.py COMFYUI_FOLDER ARGUMENTS…``
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import runpy
import sys
import types

import torch

with contextlib.suppress(RuntimeError):  # a torchvision that fits has them itself
    for name in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
for name in ("torchaudio", "torchaudio.functional", "torchaudio.transforms"):
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__path__ = []
    sys.modules[name] = module
sys.modules["torchaudio"].functional = sys.modules["torchaudio.functional"]  # type: ignore[attr-defined]
sys.modules["torchaudio"].transforms = sys.modules["torchaudio.transforms"]  # type: ignore[attr-defined]
root = sys.argv.pop(1)
os.chdir(root)
sys.path[0] = root
sys.argv[0] = f"{root}/main.py"
runpy.run_path(sys.argv[0], run_name="__main__")
