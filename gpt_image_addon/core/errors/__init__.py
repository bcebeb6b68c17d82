"""Every way that a request can end badly, and the exit code that says so.

::

    GptImageError
    ├── ConfigurationError
    │   ├── MissingApiKeyError
    │   ├── OnlineAccessDisabledError
    │   └── EndpointError (an APIError, too)
    ├── InvalidRequestError
    ├── BudgetExceededError
    ├── RowTakenError
    ├── StorageError
    ├── SceneError
    ├── JobCancelled
    └── APIError
        ├── APIConnectionError
        │   └── APITimeoutError
        ├── APIStatusError
        │   ├── AuthenticationError
        │   ├── PermissionDeniedError
        │   ├── NotFoundError
        │   ├── BadRequestError
        │   │   └── ModerationError
        │   ├── RateLimitError
        │   │   └── InsufficientQuotaError
        │   └── InternalServerError
        └── InvalidResponseError

The message is one sentence for people; ``next_step`` is one more, saying what to do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Literal

from ..text.message import Message, join
from ..text.redaction import show

Billed = Literal["no", "maybe", "yes"]


MESSAGE_LIMIT = 4000  # characters; two of the longest paths stay whole
NAME_LIMIT = 200  # characters of a code, a parameter or a request id


class ExitCode(IntEnum):
    """What a finished command tells the shell."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    CONFIGURATION = 3
    REFUSED = 4
    QUOTA = 5
    TEMPORARY = 6
    ROWS_FAILED = 7
    INTERRUPTED = 130


class GptImageError(Exception):
    """Base of all errors that the add-on raises on purpose.

    All that people, journals and reports get of an error is cleaned here: whoever wrote it, it holds no
    secret, nothing that steers a terminal, and is of a bearable length.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    default_code: ClassVar[str | None] = None
    default_next_step: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        billed: Billed = "no",
        next_step: str | None = None,
    ) -> None:
        self.message = _clean(message)
        super().__init__(self.message)
        self.code = _name(code) or self.default_code
        """The API's own code where it gave one, ours otherwise."""
        self.param = _name(param)
        """Name of the parameter at fault."""
        self.request_id = _name(request_id)
        """The server's ``x-request-id``."""
        self.retryable = retryable
        """The same request may succeed later without a change."""
        self.billed: Billed = billed
        """Whether the request may have cost money."""
        self.next_step: str = self.default_next_step if next_step is None else _clean(next_step)
        """One sentence: what the user can do about it."""

    @property
    def text(self) -> Message:
        """Message and next step, as people read them."""
        return join(self.message, self.next_step)

    def to_dict(self) -> dict[str, object]:
        """The ``error`` object of the JSON output."""
        return {
            "type": type(self).__name__,
            "code": self.code,
            "message": self.text,
            "param": self.param,
            "request_id": self.request_id,
            "retryable": self.retryable,
            "billed": self.billed,
        }


def _clean(text: str) -> Message:
    """A text that can be shown; it keeps its parts unless it is cut or a secret spans two of them."""
    shown = show(text, MESSAGE_LIMIT)
    parts = Message.of(text).change_values(lambda value: show(value, MESSAGE_LIMIT))
    return parts if parts == shown else Message(shown)


def _name(text: object) -> str | None:
    """A code, the name of a parameter or a request id; None where there is none."""
    return show(text, NAME_LIMIT).strip() or None if text is not None else None


class ConfigurationError(GptImageError):
    """Something outside the request must be set up first."""

    exit_code = ExitCode.CONFIGURATION
    default_code = "configuration"


class MissingApiKeyError(ConfigurationError):
    """There is no key and the provider needs one."""

    default_code = "missing_api_key"
    default_next_step = (
        "Set OPENAI_API_KEY or enter a key in the add-on's preferences, or use the offline provider."
    )


class OnlineAccessDisabledError(ConfigurationError):
    """Blender's "Allow Online Access" is off."""

    default_code = "online_access_disabled"
    default_next_step = (
        "Turn on Preferences > System > Network > Allow Online Access, or start with --online-mode."
    )


class InvalidRequestError(GptImageError):
    """The request can't be sent as it is; nothing left this machine."""

    exit_code = ExitCode.REFUSED
    default_code = "invalid_request"


class BudgetExceededError(GptImageError):
    """The estimate does not fit a limit that the user set; nothing left this machine."""

    exit_code = ExitCode.QUOTA
    default_code = "budget_exceeded"


class RowTakenError(GptImageError):
    """Another process works on the same row of a batch."""

    exit_code = ExitCode.TEMPORARY
    default_code = "row_taken"
    default_next_step = "Run the batch again when the other one has ended."


class StorageError(GptImageError):
    """A file or the journal could not be read or written."""

    default_code = "storage"


class SceneError(GptImageError):
    """The result could not be put into the scene; it stays on disk."""

    default_code = "scene"


class JobCancelled(GptImageError):  # noqa: N818 - it is what the user wanted
    """The user stopped the job."""

    exit_code = ExitCode.INTERRUPTED
    default_code = "cancelled"


class APIError(GptImageError):
    """The provider could not answer the request."""

    exit_code = ExitCode.TEMPORARY


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke."""

    default_code = "connection_error"


class EndpointError(ConfigurationError, APIError):
    """What answers at the base URL is not the API, and says where else to go."""


class APITimeoutError(APIConnectionError):
    """The server did not answer in time."""

    default_code = "timeout"


class APIStatusError(APIError):
    """The server answered with an error status."""

    def __init__(self, message: str, *, status: int, **details: object) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.status = status
        """HTTP status code."""


class AuthenticationError(APIStatusError):
    """401: the key was refused."""

    exit_code = ExitCode.CONFIGURATION
    default_next_step = "Check the key in the add-on's preferences or in OPENAI_API_KEY."


NOT_VERIFIED = "The server refused the request: the organisation is not verified."
"""What a `PermissionDeniedError` says of that: the API has no code for it."""


class PermissionDeniedError(APIStatusError):
    """403: the organisation is not verified, or the country is not supported."""

    exit_code = ExitCode.CONFIGURATION


class NotFoundError(APIStatusError):
    """404: most often a model that does not exist or that the key may not use."""

    exit_code = ExitCode.REFUSED
    default_next_step = "Choose another model."


class BadRequestError(APIStatusError):
    """400: the server refused a parameter."""

    exit_code = ExitCode.REFUSED


class ModerationError(BadRequestError):
    """400: the safety system refused the prompt or the image."""

    default_next_step = "Change the prompt or the reference; the same request will be refused again."


class RateLimitError(APIStatusError):
    """429: too many requests just now."""


class InsufficientQuotaError(RateLimitError):
    """429: the account has no credit left, or has reached its own limit."""

    exit_code = ExitCode.QUOTA
    default_next_step = (
        "Add credit or raise the limit at https://platform.openai.com/settings/organization/billing."
    )


class InternalServerError(APIStatusError):
    """5xx or 408: the server failed."""


class InvalidResponseError(APIError):
    """The server answered with something that is not an image."""

    default_code = "invalid_response"


class EditMismatchError(InvalidResponseError):
    """The answer to an edit does not show the image that was to be edited."""

    default_code = "edit_mismatch"
