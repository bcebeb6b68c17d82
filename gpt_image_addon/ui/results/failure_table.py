"""A table of failures: what is said of each, and the one button that mends it, by code or class of the error.

A code goes before a class, and a class before those that it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...core import errors
from ...core.journal.states import JobState


class Mend(NamedTuple):
    """A button that mends something."""

    text: str
    name: str
    """In one word, where there is little room."""
    icon: str
    operator: str
    of_job: bool = False
    """The operator is about the failed job."""
    is_paid: bool = False
    """A click sends the request once more, so that the button shows its price."""
    address: str = ""
    """Field of the provider's row with the page that is opened; the button is left out where it is empty."""


class FailureRow(NamedTuple):
    """What is said of a kind of failure."""

    sentence: str
    mend: Mend
    explanation: str = ""
    """The next step; the error's own text where it is empty."""
    also: Mend | None = None
    """A second button, less in sight."""
    is_wanted: bool = False
    """The user asked for it, so that it is no alarm."""


RETRY = Mend(
    text="Try Again",
    name="Retry",
    icon="FILE_REFRESH",
    operator="gpt_image.again",
    of_job=True,
    is_paid=True,
)
EDIT_PROMPT = Mend(
    text="Edit Prompt", name="Edit", icon="GREASEPENCIL", operator="gpt_image.recall", of_job=True
)
EDIT = Mend(text="Load Settings", name="Edit", icon="LOOP_BACK", operator="gpt_image.recall", of_job=True)
PLACE = Mend(
    text="Put into the Scene", name="Recover", icon="RECOVER_LAST", operator="gpt_image.recover", of_job=True
)
ACCEPT = Mend(
    text="Use Anyway", name="Use", icon="CHECKMARK", operator="gpt_image.accept_answer", of_job=True
)
BILLING = Mend(text="Open Billing", name="Billing", icon="URL", operator="wm.url_open", address="billing_url")
ACCOUNT_LIMITS = Mend(
    text="Open Limits", name="Limits", icon="URL", operator="wm.url_open", address="limits_url"
)
VERIFY = Mend(
    text="Verify Organization", name="Verify", icon="URL", operator="wm.url_open", address="verify_url"
)
GET_KEY = Mend(text="Get a Key", name="Key", icon="URL", operator="wm.url_open", address="key_url")
PASTE_KEY = Mend(
    text="Paste Key from Clipboard", name="Paste Key", icon="PASTEDOWN", operator="gpt_image.paste_key"
)
ALLOW = Mend(
    text="Allow Online Access", name="Allow", icon="INTERNET", operator="gpt_image.allow_online_access"
)
PREFERENCES = Mend(
    text="Open Preferences", name="Settings", icon="PREFERENCES", operator="gpt_image.open_preferences"
)
LIMITS = PREFERENCES._replace(text="Open Limits...", name="Limits")

ROWS: Mapping[str, FailureRow] = {
    "InsufficientQuotaError": FailureRow(
        sentence="Out of credit at {provider}.", explanation="Add credit, then try again.", mend=BILLING
    ),
    **dict.fromkeys(
        (
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
        ),
        FailureRow(
            sentence="A limit of your account at {provider} is reached.",
            explanation="Raise it, then try again.",
            mend=ACCOUNT_LIMITS,
        ),
    ),
    errors.NOT_VERIFIED: FailureRow(
        sentence="Your organization is not verified at {provider}.",
        explanation="Verify it, wait up to 15 minutes, then try again.",
        mend=VERIFY,
    ),
    "unsupported_country_region_territory": FailureRow(
        sentence="{provider} is not available in your country.",
        explanation="Use another server, or offline drafts.",
        mend=PREFERENCES,
    ),
    "PermissionDeniedError": FailureRow(
        sentence="{provider} does not allow this with your key.", mend=PREFERENCES
    ),
    "AuthenticationError": FailureRow(
        sentence="{provider} refused the key.",
        explanation="Enter a key that is valid, then try again.",
        mend=PREFERENCES._replace(name="Key"),
        also=GET_KEY,
    ),
    "missing_api_key": FailureRow(
        sentence="No key for {provider}.",
        explanation="Copy your key, then paste it here.",
        mend=PASTE_KEY,
        also=GET_KEY,
    ),
    "online_access_disabled": FailureRow(
        sentence="Online access is off.",
        explanation="Allow Blender to go online, to reach {provider}.",
        mend=ALLOW,
    ),
    "ConfigurationError": FailureRow(sentence="A setting can't be used.", mend=PREFERENCES),
    "EndpointError": FailureRow(sentence="{provider} does not answer at the base URL.", mend=PREFERENCES),
    "max_cost_exceeded": FailureRow(
        sentence="It could cost more than your limit for a request.",
        explanation="Raise the limit, or choose a lower quality or a smaller size.",
        mend=LIMITS,
    ),
    "BudgetExceededError": FailureRow(
        sentence="It could exceed your monthly budget.",
        explanation="Raise the budget, or choose a lower quality or a smaller size.",
        mend=LIMITS,
    ),
    "ModerationError": FailureRow(
        sentence="The safety system blocked the request.",
        explanation="Change the prompt or the references: the same request is refused again.",
        mend=EDIT_PROMPT,
    ),
    "NotFoundError": FailureRow(sentence="{provider} does not know the model.", mend=EDIT),
    "BadRequestError": FailureRow(sentence="{provider} refused the request.", mend=EDIT),
    "InvalidRequestError": FailureRow(sentence="The request can't be sent as it is.", mend=EDIT),
    "RateLimitError": FailureRow(
        sentence="Too many requests at once.", explanation="Wait a minute, then try again.", mend=RETRY
    ),
    "InternalServerError": FailureRow(
        sentence="Something went wrong at {provider}.", explanation="Try again in a while.", mend=RETRY
    ),
    "APIStatusError": FailureRow(sentence="{provider} refused the request.", mend=RETRY),
    "timeout": FailureRow(
        sentence="{provider} did not answer in time.", explanation="Try again in a while.", mend=RETRY
    ),
    "outcome_unknown": FailureRow(
        sentence="The same request was sent before, and got no answer.",
        explanation="Try again to send it anyway.",
        mend=RETRY,
    ),
    "billed_without_result": FailureRow(
        sentence="The same request was billed before, and brought no result.",
        explanation="Try again to send it, and pay for it, once more.",
        mend=RETRY,
    ),
    "edit_mismatch": FailureRow(
        sentence="The answer does not match the image.",
        explanation="The image stays as it is. Use the answer anyway, which costs nothing, or try again.",
        mend=ACCEPT,
        also=RETRY,
    ),
    "no_answer": FailureRow(
        sentence="The request got no answer.",
        explanation="Blender ended before it came. Try again to send it once more.",
        mend=RETRY,
    ),
    "APIConnectionError": FailureRow(
        sentence="The connection to {provider} failed.",
        explanation="Check the network, then try again.",
        mend=RETRY,
    ),
    "InvalidResponseError": FailureRow(sentence="The answer can't be used.", mend=RETRY),
    "SceneError": FailureRow(sentence="The result could not be put into the scene.", mend=PLACE),
    "StorageError": FailureRow(sentence="A file could not be read or written.", mend=RETRY),
    "JobCancelled": FailureRow(
        sentence="The job was cancelled.", explanation="Try again to send it.", mend=RETRY, is_wanted=True
    ),
    "GptImageError": FailureRow(sentence="Something went wrong.", mend=RETRY),
}
"""By code, or name of a class."""
WITHOUT_ERROR: Mapping[JobState, Mapping[str, str]] = {
    JobState.UNKNOWN: {"type": "APIConnectionError", "code": "no_answer", "billed": "maybe"},
    JobState.CANCELLED: {"type": "JobCancelled", "billed": "no"},
    JobState.FAILED: {"type": "GptImageError", "billed": "no"},
}
"""What is said of jobs that ended with their process: the journal has no error of theirs."""
BILLED: Mapping[str, str] = {
    "no": "Nothing was billed.",
    "maybe": "It may have been billed.",
    "yes": "It was billed.",
}


def find_row(code: str | None, kind: str, said: str = "") -> FailureRow:
    """What is said of a failure.

    :param said: its message, where that tells more than its code.
    :param kind: name of the error's class; one that is not known counts as the most general.
    """
    cls = getattr(errors, kind, errors.GptImageError)
    sentence = errors.NOT_VERIFIED if said.startswith(errors.NOT_VERIFIED) else ""
    names = (sentence, code or "", *(base.__name__ for base in cls.__mro__))
    return next(ROWS[name] for name in names if name in ROWS)
