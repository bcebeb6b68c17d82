"""Loggers that never tell a secret: keys, base64 and the queries of addresses are taken out.

Prompts and bodies are not logged in the first place.
"""

from __future__ import annotations

import logging

from .plain_text import clean_block
from .redaction import redact_bulk

ROOT = "gpt_image_addon"
OTHERS = ("urllib3.connectionpool", "urllib3.util.retry", "charset_normalizer", "requests")
"""Loggers of the libraries that carry our requests."""


class _Redactor(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = clean_block(redact_bulk(record.getMessage())), None
        if record.exc_info:
            record.exc_text = clean_block(redact_bulk(logging.Formatter().formatException(record.exc_info)))
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
