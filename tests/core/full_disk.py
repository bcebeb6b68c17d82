"""One job whose state folder's disk is filled up between the request and its answer."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from gpt_image_addon.core.journal.recovery import open_journal, recover_all

from . import line


def main(state: Path, base_url: str, api_key: str) -> None:
    journal = open_journal(state)
    job = line.admit(journal)
    inner = journal.sending

    def send_and_fill(sent: str, size: str | None = None) -> None:
        inner(sent, size)
        with contextlib.suppress(OSError), (state / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"0" * 512):
                pass

    journal.sending = send_and_fill  # type: ignore[method-assign]
    event = line.run(journal, base_url, api_key, job)
    assert event.prepared is not None, event.error
    told = " ".join(event.prepared.warnings)
    assert "No space left" in told and "can't be written" in told, told
    entry = journal.entry(job.id)
    assert entry is not None
    print(entry.state)
    (state / "ballast").unlink()
    (journal.results / entry.created.strftime("%Y-%m")).mkdir(exist_ok=True)
    with journal.transaction(durable=True) as connection:
        connection.execute("UPDATE jobs SET state = 'UNKNOWN'")
    recover_all(journal)
    entry = journal.entry(job.id)
    assert entry is not None
    print(entry.state, *(image.sha256 for image in event.prepared.images))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
