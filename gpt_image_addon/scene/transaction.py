"""All or nothing: what has been done to the file so far, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import bpy

from ..core.text.log import get_logger

log = get_logger(__name__)

_Block = TypeVar("_Block", bound=bpy.types.ID)


class Transaction:
    """A ``with`` block that leaves the file as it was when an exception leaves the block.

    Only what goes through its methods, or has an `on_failure` of its own, is taken back.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.take_back()

    @property
    def position(self) -> int:
        """For `take_back`: what was done up to now stays."""
        return len(self._undo)

    def take_back(self, position: int = 0) -> None:
        """Take back what has been done since a `position`, the latest first."""
        while len(self._undo) > position:
            try:
                self._undo.pop()()
            except Exception:  # the others are still to be taken back, and the first error is told
                log.exception("A change could not be taken back")

    def on_failure(self, undo: Callable[[], object]) -> None:
        """Call `undo` if the block fails; the latest change is taken back first."""
        self._undo.append(undo)

    def made(self, block: _Block) -> _Block:
        """A new data-block, removed on failure."""
        self.on_failure(lambda: bpy.data.batch_remove([block]))
        return block

    def set(self, owner: Any, name: str, value: object) -> None:
        """Set a property, restored on failure."""
        before = getattr(owner, name)
        setattr(owner, name, value)
        self.on_failure(lambda: setattr(owner, name, before))

    def drop(self, owner: Any, key: str) -> None:
        """Remove a custom property, where there is one; it returns on failure."""
        if key in owner:
            before = owner[key]
            del owner[key]
            self.on_failure(lambda: owner.__setitem__(key, before))

    def node(self, tree: bpy.types.ShaderNodeTree, idname: str) -> Any:
        """A new node, removed on failure."""
        node = tree.nodes.new(idname)
        self.on_failure(lambda: tree.nodes.remove(node))
        return node

    def link(
        self, tree: bpy.types.ShaderNodeTree, source: bpy.types.NodeSocket, target: bpy.types.NodeSocket
    ) -> None:
        """Link an output to an input; what was linked there before returns on failure."""
        before = [link.from_socket for link in target.links]
        tree.links.new(source, target)

        def undo() -> None:
            for link in list(target.links):
                tree.links.remove(link)
            for socket in before:
                tree.links.new(socket, target)

        self.on_failure(undo)
