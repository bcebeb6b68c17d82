"""What a test may set about a server before or while it runs."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PIL import Image

from .protocol import PREVIEWS
from .references import Limits

API_KEY = "sk-test-" + "Kq3vT9xWm5Zr8LbNc2Yh" * 7 + "Jd4Gf6Ps1QwE7uRt"
"""The key the server takes: 164 characters, as long as the real ones."""
ORGANIZATION = "org-TestOrganization"
PROJECT = "proj_TestProject"
DEPLOYMENT = "my-images"
TODAY = datetime.date(2026, 11, 22)


@dataclass
class Options:
    """Change any of these on `server.options` at any time; they hold for the requests that follow."""

    api_key: str = API_KEY
    today: datetime.date = TODAY
    """The date that decides which models are retired."""
    previews: frozenset[str] = PREVIEWS
    """Access-gated features that the key may use."""
    deployments: Mapping[str, str] = field(default_factory=lambda: {DEPLOYMENT: "gpt-image-2.5-sunburst"})
    """Azure deployment names and the models behind them; a model's own name is one, too."""
    limits: Limits = field(default_factory=Limits)
    latency: float = 0.0
    """Seconds an image request takes."""
    noise: bool = False
    """Answer with noise: 3 MB for 1024x1024, as heavy as a photograph."""
    provenance: bool = True
    """Put a provenance chunk that names the request into png and jpeg images: no two are alike."""
    answer_with: str = "b64_json"
    """`url` answers like the servers that hand out links."""
    picture_fields: str = "brackets"
    """`repeated` takes several `image` parts, as LiteLLM wants them, instead of `image[]`."""
    requests_per_minute: int | None = None
    input_images_per_minute: int | None = None
    minute: float = 60.0
    """Seconds of the rate limiter's window; tests shorten it."""
    edits: Callable[[bytes, bytes | None], Image.Image] | None = None
    """Answers edits: gets the first reference and the mask as they came."""
    image: Image.Image | None = None
    """What generations show, resized to what is asked for, in place of patches."""
    repaint: str = ""
    """How masked edits come back: one of `repaint.HOW`; tinted without."""
    batch_polls: int = 0
    """How many more looks a batch stays in progress."""
    batch_row_errors: Mapping[str, str] = field(default_factory=dict)
    """Rows of the error table by the custom_id of a batch's line."""
    batch_expires_after: int | None = None
    """Lines that are done before the batch expires."""
    batch_refuses: frozenset[str] = frozenset()
    """Models that the Batch API does not take."""
