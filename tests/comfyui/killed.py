"""Sends one job and waits: for a test that kills this process.

``python -m tests.comfyui.killed STATE_FOLDER URL [JSON of what the request has]``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gpt_image_addon.core.journal.recovery import open_journal

from .test_gpt_image import finish, start

if __name__ == "__main__":
    changes = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    finish(start(open_journal(Path(sys.argv[1])), sys.argv[2], **changes)[1])
