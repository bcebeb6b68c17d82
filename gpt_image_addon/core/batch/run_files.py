"""The files that a run of a batch leaves beside the images: all results, and what went wrong."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..common.files import PART_SUFFIX, storage_errors
from ..common.process_lock import is_alive
from ..errors import GptImageError
from ..journal.journal import Journal
from ..results.output_files import Outputs, is_row_report
from ..results.output_folders import make_folder
from ..text.json_reader import parse_json
from .outcomes import Outcome, RowState

IN_REPORT = (RowState.FAILED, RowState.UNKNOWN)
_PROCESS = re.compile(r"\d+-[0-9a-f]{8}")
"""How processes are named, see `ProcessLock`."""


class _Lines:
    """A file of JSON Lines that gets its name when it is finished; two processes do not mix their lines."""

    def __init__(self, path: Path, journal: Journal, outputs: Outputs, owner: str) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.{journal.process}{PART_SUFFIX}")
        self._outputs, self._owner = outputs, owner
        with storage_errors(f"{path} could not be written"):
            make_folder(path.parent)
            for left in path.parent.glob(f"{glob.escape(path.name)}.*{PART_SUFFIX}"):
                process = left.name.removeprefix(f"{path.name}.").removesuffix(PART_SUFFIX)
                if _PROCESS.fullmatch(process) and not is_alive(journal.locks, process):
                    left.unlink(missing_ok=True)
            self._stream = self.part.open("x", encoding="utf-8")
        self.count = 0

    def add(self, values: Mapping[str, Any]) -> None:
        with storage_errors(f"{self.path} could not be written"):
            self._stream.write(json.dumps(values) + "\n")
            self._stream.flush()
        self.count += 1

    def close(self) -> None:
        """Give it its name; it keeps the other one where something else has it by now.

        :raises GptImageError: it has that other name, or is not whole.
        """
        if self._stream.closed:
            return
        with storage_errors(f"{self.path} could not be written"), self._stream:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        try:
            self._outputs.place(self.part, self.path, self._owner, is_ours=is_row_report)
        except GptImageError as error:
            self.path = self.part
            error.next_step = f"What was to be in it is in {self.part}."
            raise

    def remove(self) -> None:
        """Without a line there is no file; one that is not ours stays."""
        self._stream.close()
        self.part.unlink(missing_ok=True)
        self._outputs.remove(self.path, self._owner, is_row_report)

    def abandon(self) -> None:
        """Close it as far as it goes; what is in it keeps its name where that can be."""
        with contextlib.suppress(OSError, GptImageError):
            self.close()


class RunFiles:
    """Two files, written while the run goes on."""

    def __init__(self, results: Path, report: Path, journal: Journal, outputs: Outputs, owner: str) -> None:
        """
        :param results: gets every row.
        :param report: gets the rows that failed or are UNKNOWN, with what they asked for; removed where
            all is well.
        :raises StorageError: they can't be written.
        """
        self.results = _Lines(results, journal, outputs, owner)
        self.report = _Lines(report, journal, outputs, owner)
        self.fault: GptImageError | None = None
        """Why they could not be written to their end. What a run has paid for does not depend on them."""

    def add(self, outcome: Outcome) -> None:
        """Note a row; after a `fault` nothing more is noted."""
        if self.fault is not None:
            return
        found = outcome.to_dict()
        try:
            self.results.add(found)
            if outcome.state in IN_REPORT:
                row = outcome.row
                asked = {"request": row.request.to_dict(), "application": row.application.to_dict()}
                self.report.add(found | asked)
        except GptImageError as error:
            self.fault = error

    def __enter__(self) -> RunFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.fault is None:
                self._close()
        except GptImageError as found:
            self.fault = found
        if self.fault is not None:
            self.results.abandon()
            self.report.abandon()

    def _close(self) -> None:
        self.results.close()
        self.report.close() if self.report.count else self.report.remove()


def read_results(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of such a file, one by one; none of one that is gone, and no line that was cut off."""
    with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            with contextlib.suppress(ValueError):
                yield parse_json(line)
