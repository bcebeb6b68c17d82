"""The states of a job, from the click to the scene."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "QUEUED"
    """Its price is reserved; nothing was sent."""
    SENDING = "SENDING"
    """The request is on its way, or the server works."""
    RECEIVED = "RECEIVED"
    """The answer is on the disk."""
    APPLIED = "APPLIED"
    """The result is in the scene."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    """Sent, but no answer came: it may have been billed."""
