"""Heavy work happens in another process while there is a window, and comes back as if it had not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import InvalidRequestError, JobCancelled
from gpt_image_addon.core.processes.subprocess_worker import SubprocessWorker
from gpt_image_addon.core.request.sizes import parse_size

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def workshop() -> Iterator[SubprocessWorker]:
    made = SubprocessWorker()
    yield made
    made.close()


def test_work_is_done_in_one_other_process(workshop: SubprocessWorker) -> None:
    first, second = workshop.call(os.getpid), workshop.call(os.getpid)
    assert first == second != os.getpid()


def test_its_errors_come_back_and_it_goes_on(workshop: SubprocessWorker) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        workshop.call(parse_size, "wide")
    assert raised.value.param == "size"
    assert "in parse_size" in "".join(raised.value.__notes__)
    assert workshop.open
    assert workshop.call(parse_size, "64x32") == (64, 32)


def test_what_a_library_prints_spoils_no_answer(workshop: SubprocessWorker) -> None:
    process = workshop.call(os.getpid)
    workshop.call(os.write, 1, b"a library's notice")
    assert workshop.call(os.getpid) == process


def test_the_key_is_not_given_to_it(workshop: SubprocessWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-nobody-else")
    monkeypatch.setenv("OTHER", "for all")
    assert workshop.call(os.getenv, "OPENAI_API_KEY") is None
    assert workshop.call(os.getenv, "OTHER") == "for all"


def test_work_of_a_process_that_dies_is_done_here(workshop: SubprocessWorker) -> None:
    process = workshop.call(os.getpid)
    os.kill(process, signal.SIGKILL)
    assert workshop.call(os.getpid) == os.getpid()
    assert workshop.call(os.getpid) not in (process, os.getpid())


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="this system has no such signal")
def test_a_program_that_broken_pipes_end_lives_on_when_it_dies() -> None:
    """Blender may be one: unlike Python's own program it need not ignore the signal."""
    script = (
        "import os, signal, time\n"
        "from gpt_image_addon.core.processes.subprocess_worker import SubprocessWorker\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "workshop = SubprocessWorker()\n"
        "for _ in range(3):\n"
        "    process = workshop.call(os.getpid)\n"
        "    os.kill(process, signal.SIGKILL)\n"
        "    time.sleep(0.2)\n"
        "    assert workshop.call(os.getpid) == os.getpid()\n"
        "    workshop.close()\n"
        "print('lives')\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "lives\n"), run.stderr


@pytest.mark.parametrize("name", ["blender", "python-that-is-not-there"])
def test_without_a_python_work_is_done_here(
    workshop: SubprocessWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / "blender").symlink_to(sys.executable)
    monkeypatch.setattr("sys.executable", str(tmp_path / name))
    assert workshop.call(os.getpid) == os.getpid()


def test_modules_below_a_package_are_found_without_it() -> None:
    """As an extension's name is ``bl_ext.REPOSITORY.gpt_image_addon``, whose beginning only Blender has."""
    script = (
        "import sys\n"
        "from gpt_image_addon.core.processes.subprocess_main import stand_in\n"
        "stand_in('bl_ext.somewhere.gpt_image_addon', sys.modules['gpt_image_addon'].__path__[0])\n"
        "from bl_ext.somewhere.gpt_image_addon.core.request.sizes import parse_size\n"
        "print(parse_size.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "bl_ext.somewhere.gpt_image_addon.core.request.sizes"


def test_it_ends_with_the_process_that_started_it(workshop: SubprocessWorker) -> None:
    script = (
        "import os, time\n"
        "from gpt_image_addon.core.processes.subprocess_worker import SubprocessWorker\n"
        "print(SubprocessWorker().call(os.getpid), flush=True)\n"
        "os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{int(done.stdout)}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_closing_stops_what_it_is_at_and_what_waits_for_it(workshop: SubprocessWorker) -> None:
    process = workshop.call(os.getpid)
    ends: list[BaseException] = []

    def wait() -> None:
        try:
            workshop.call(time.sleep, 60)
        except JobCancelled as error:
            ends.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    workshop.close()
    for thread in threads:
        thread.join(10)
    assert len(ends) == 3 and not workshop.open
    assert not Path(f"/proc/{process}").exists()


def test_resting_waits_for_the_work(workshop: SubprocessWorker) -> None:
    workshop.call(os.getpid)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(workshop.call(sum, [1, *[0] * 10**6, 1])))
    thread.start()
    time.sleep(0.01)
    workshop.rest()
    thread.join(10)
    assert found == [2]
