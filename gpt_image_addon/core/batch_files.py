"""The files that a run of a batch leaves beside the pictures: all results, and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from .batch import Outcome, RowState
from .results import storage_errors

IN_REPORT = (RowState.FAILED, RowState.UNKNOWN)


class RunFiles:
    """Two files of JSON Lines, written while the run goes on."""

    def __init__(self, results: Path, report: Path) -> None:
        """
        :param results: gets every row.
        :param report: gets the rows that failed or are UNKNOWN, with what they asked for; made with the
            first of them, and that of an earlier run removed.
        :raises StorageError: they can't be written.
        """
        self.results = results
        self.report = report
        self._report: TextIO | None = None
        with storage_errors(f"{results} could not be written"):
            results.parent.mkdir(parents=True, exist_ok=True)
            self._results = results.open("w", encoding="utf-8")
        with storage_errors(f"{report} could not be removed"):
            report.unlink(missing_ok=True)

    def add(self, outcome: Outcome) -> None:
        """Note a row.

        :raises StorageError: the disk is full.
        """
        found = outcome.to_dict()
        with storage_errors(f"{self.results} could not be written"):
            _write(self._results, found)
        if outcome.state in IN_REPORT:
            row = outcome.row
            asked = {"request": row.request.to_dict(), "application": row.application.to_dict()}
            with storage_errors(f"{self.report} could not be written"):
                if self._report is None:
                    self.report.parent.mkdir(parents=True, exist_ok=True)
                    self._report = self.report.open("w", encoding="utf-8")
                _write(self._report, found | asked)

    @property
    def has_report(self) -> bool:
        """Whether something went wrong."""
        return self._report is not None

    def __enter__(self) -> RunFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._results.close()
        if self._report is not None:
            self._report.close()


def _write(stream: TextIO, values: dict[str, Any]) -> None:
    stream.write(json.dumps(values, ensure_ascii=False) + "\n")
    stream.flush()


def read_results(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of such a file, one by one."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
