"""Jobs of a process that has run out of file handles, with one more handle free for each."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from gpt_image_addon.core.journal.recovery import open_journal

from . import line

LIMIT = 256  # handles that the process may have


def main(state: Path, base_url: str, api_key: str, most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    journal = open_journal(state)
    line.run(journal, base_url, api_key, line.admit(journal, prompt="warm"))  # modules need handles, too
    for free in range(most):
        job = line.admit(journal, prompt=f"free {free}")
        taken = []
        try:
            while True:
                taken.append(os.dup(1))
        except OSError:
            for handle in taken[: free + 1]:
                os.close(handle)
        try:
            error = line.run(journal, base_url, api_key, job).error
        finally:
            for handle in taken[free + 1 :]:
                os.close(handle)
        entry = journal.entry(job.id)
        assert entry is not None
        print(json.dumps([job.request.prompt, error and error.to_dict(), entry.state, entry.billed]))
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
