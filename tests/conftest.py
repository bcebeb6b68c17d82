"""Fixtures for all tests."""

from __future__ import annotations

from .api_server.fixtures import api_server

__all__ = ["api_server"]
