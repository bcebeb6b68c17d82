"""The files that a run leaves: what goes wrong with them is told, and never hides what the run did."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_image_addon.core.batch.manifest import Row
from gpt_image_addon.core.batch.outcomes import Outcome, RowState
from gpt_image_addon.core.batch.run_files import RunFiles, read_results
from gpt_image_addon.core.common.files import PART_SUFFIX
from gpt_image_addon.core.errors import InvalidRequestError, StorageError
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.output_files import Outputs

OUTCOME = Outcome(Row("a", 1, GenerationRequest(prompt="oak"), Application()), RowState.FAILED)


def files(folder: Path) -> RunFiles:
    journal = open_journal(folder / "state")
    return RunFiles(folder / "results.jsonl", folder / "report.jsonl", journal, Outputs(journal), "me")


@pytest.mark.parametrize("name", ["results.jsonl", "report.jsonl"])
def test_a_file_that_appears_during_the_run_stays(tmp_path: Path, name: str) -> None:
    with files(tmp_path) as run:
        run.add(OUTCOME)
        (tmp_path / name).write_text("the user's own")
    assert isinstance(run.fault, InvalidRequestError)
    assert (tmp_path / name).read_text() == "the user's own"
    kept = next(tmp_path.glob(f"{name}.*{PART_SUFFIX}"))
    assert str(kept) in run.fault.text
    assert [line["row"] for line in read_results(kept)] == ["a"]


def test_a_report_that_can_not_get_its_name_keeps_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files(tmp_path) as run:
        run.add(OUTCOME)

        def full() -> None:
            raise StorageError("The disk is full.")

        monkeypatch.setattr(run.report, "close", full)
    assert isinstance(run.fault, StorageError)
    assert [line["row"] for line in read_results(tmp_path / "results.jsonl")] == ["a"]
