"""Text that may leave this computer: without secrets, the words of prompts, and where things lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .logs import redacted

MIN_WORDS = 3  # characters; a shorter prompt would blank out half of every sentence
SOMEWHERE = "<path>"
_ABSOLUTE = re.compile(
    r"(?<![\w~>:/.\\])(?:/[^\s/'\"<>,;]+){2,}/?|\b[A-Za-z]:[\\/][^\s'\"<>,;]+|\\\\[^\s'\"<>,;]+"
)


class Redaction:
    """Takes out what must not be told.

    Known folders get a name, every other absolute path becomes ``<path>``.
    """

    def __init__(
        self, folders: Mapping[str, Path], words: Iterable[str] = (), files: Iterable[str] = ()
    ) -> None:
        """
        :param folders: by the name to show, such as ``~``; of nested ones the inner first.
        :param words: texts that are replaced wherever they stand, such as prompts.
        :param files: paths that are replaced, spaces and all.
        """
        replaced = {text: SOMEWHERE for text in files if text}
        replaced |= {text: "<prompt>" for text in words if len(text.strip()) >= MIN_WORDS}
        for name, folder in folders.items():
            for form in dict.fromkeys((folder, folder.resolve())):
                replaced |= {str(form): name, form.as_posix(): name}
        self._replaced = sorted(replaced.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        """One text."""
        for found, shown in self._replaced:
            text = text.replace(found, shown)
        return _ABSOLUTE.sub(SOMEWHERE, redacted(text))

    def value(self, value: Any) -> Any:
        """A value of JSON, its keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value
