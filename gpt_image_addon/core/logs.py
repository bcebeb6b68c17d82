"""Loggers that never tell a secret: keys, base64 and the queries of addresses are taken out.

Prompts and bodies are not logged in the first place.
"""

from __future__ import annotations

import logging
import re

ROOT = "gpt_image_addon"
OTHERS = ("urllib3.connectionpool", "urllib3.util.retry", "charset_normalizer", "requests")
"""Loggers of the libraries that carry our requests."""
MIN_SECRET = 6  # characters; shorter ones would blank out ordinary words

_PATTERNS = (
    (re.compile(r"\bsk-[\w*-]{4,}"), "sk-…"),
    (re.compile(r"(?i)\b(bearer|api-key:?)\s+\S+"), r"\1 …"),
    (re.compile(r"(https?://|\s\"?[A-Z]+ )([^\s\"?]+)\?[^\s\"]*"), r"\1\2?…"),
    (re.compile(r"[A-Za-z0-9+/_=-]{120,}"), "…"),
)
_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Never log this text, whatever it looks like."""
    if len(secret) >= MIN_SECRET:
        _secrets.add(secret)


def redacted(text: str) -> str:
    """A text without secrets."""
    for secret in _secrets:
        text = text.replace(secret, "…")
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class _Redactor(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


_REDACTOR = _Redactor()


def get_logger(module: str) -> logging.Logger:
    """The logger of a module, named from the package on, wherever that is installed.

    :param module: its ``__name__``.
    """
    found = logging.getLogger(module[max(0, module.find(ROOT)) :])
    found.addFilter(_REDACTOR)
    return found


def guard_libraries() -> None:
    """Redact what the libraries below us log, too."""
    for name in OTHERS:
        logging.getLogger(name).addFilter(_REDACTOR)
