"""What the interface remembers from `register` to `unregister`; none of its modules keeps anything itself."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


class UiState:
    """A part for each module that remembers something, made when it is first asked for."""

    def __init__(self) -> None:
        self._parts: dict[type, Any] = {}

    def part(self, kind: type[T]) -> T:
        """The one of this kind; a new one is made without arguments."""
        if kind not in self._parts:
            self._parts[kind] = kind()
        part: T = self._parts[kind]
        return part


_state: UiState | None = None


def make() -> None:
    """Begin without a memory; for `register`."""
    global _state
    _state = UiState()


def drop() -> None:
    """Forget everything; for `unregister`."""
    global _state
    _state = None


def part(kind: type[T]) -> T:
    """What a module remembers, see `UiState.part`."""
    assert _state is not None, "the add-on is not registered"
    return _state.part(kind)
