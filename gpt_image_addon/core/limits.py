"""What holds for requests to every model."""

from __future__ import annotations

DEFAULT_SIZE = "1024x1024"
PROMPT_LIMIT = 32_000  # characters
PICTURE_LIMIT = 10  # pictures a request
REFERENCE_LIMIT = 16  # pictures an edit
