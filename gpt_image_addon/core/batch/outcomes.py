"""What becomes of the rows of a batch, and how a run stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import ExitCode, GptImageError, JobCancelled, RowTakenError
from .manifest import Row

HOPELESS = (ExitCode.CONFIGURATION, ExitCode.QUOTA)
"""How what the server says to all rows alike ends a run."""


class RowState(StrEnum):
    """How a row ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """Its result was there already."""
    RUNNING = "running"
    """Another process, or a batch of the API, works on it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a row."""

    row: Row
    state: RowState
    job: str | None = None
    request_id: str | None = None
    cost_usd: float = 0.0
    """Of this run."""
    estimated_usd: float = 0.0
    files: tuple[str, ...] = ()
    error: GptImageError | None = None
    warnings: tuple[str, ...] = ()
    noted: Mapping[str, Any] | None = None
    """An error of an earlier process, as the journal has it."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "row": self.row.id,
            "line": self.row.line,
            "state": self.state.value,
            "job": self.job,
            "request_id": self.request_id,
            "cost_usd": self.cost_usd,
            "files": list(self.files),
            "error": self.noted or (self.error.to_dict() if self.error else None),
            "warnings": list(self.warnings),
        }


@dataclass
class RunSummary:
    """How a run stands."""

    rows: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    running: int = 0
    cost_usd: float = 0.0
    """Of what this run received."""
    unknown_usd: float = 0.0
    """What the rows without an answer may have cost, at most."""

    def add(self, outcome: Outcome) -> None:
        """Count a row."""
        self.rows += 1
        setattr(self, outcome.state, getattr(self, outcome.state) + 1)
        self.cost_usd += outcome.cost_usd
        if outcome.state is RowState.UNKNOWN:
            self.unknown_usd += outcome.estimated_usd


def refused(row: Row, error: GptImageError) -> Outcome:
    """What a row is that was not begun."""
    if isinstance(error, RowTakenError):
        return Outcome(row, RowState.RUNNING)
    return Outcome(row, state_after(error), error=error)


def state_after(error: GptImageError) -> RowState:
    """How a row ends that broke."""
    return RowState.UNKNOWN if error.billed == "maybe" else RowState.FAILED


NOT_MADE = JobCancelled("The row was not made yet, and nothing is to be sent.", code="not_made")
