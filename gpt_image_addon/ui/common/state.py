"""What the interface remembers from `register` to `unregister`; none of its modules keeps anything itself."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


_state: dict[type, Any] | None = None
"""A part for each module that remembers something, made when it is first asked for."""


def make() -> None:
    """Begin without a memory; for `register`."""
    global _state
    _state = {}


def drop() -> None:
    """Forget everything; for `unregister`."""
    global _state
    _state = None


def part(kind: type[T]) -> T:
    """What a module remembers; a new one is made without arguments."""
    assert _state is not None, "the add-on is not registered"
    if kind not in _state:
        _state[kind] = kind()
    found: T = _state[kind]
    return found
