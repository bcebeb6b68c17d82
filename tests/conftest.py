"""Fixtures for all tests, and how their process ends."""

from __future__ import annotations

import os
import sys

import pytest

from .api_server.fixtures import api_server

__all__ = ["api_server"]

_STATUS = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: Blender 4.5's module may wait for its own audio thread for ever as a process ends.

    That scripts which use the add-on end by themselves is tested in processes of their own.
    """
    if _STATUS in config.stash and "bpy" in sys.modules and "GPT_IMAGE_TEST_SITE" not in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])
