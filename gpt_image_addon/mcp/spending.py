"""What an agent may spend, and the question to the user before it does."""

from __future__ import annotations

from dataclasses import dataclass

from .. import api
from ..app import session, settings
from ..core.errors import GptImageError
from ..core.jobs.equal_requests import job_of_key
from ..core.request.parameters import UNATTENDED_MAX_COST_USD
from ..core.request.pricing import Limits, check_limit
from ..core.text.message import Message
from .protocol import JsonObject, Question

AGREED = "spend"
"""The field of the form that says yes."""
AGENT_REASON = "the limit for agents in GPT_IMAGE_AGENT_MAX_COST_USD or the preferences is"
SHOWN_PROMPT = 300  # characters of it in a question


@dataclass(frozen=True)
class Allowance:
    """The limit of one call."""

    usd: float
    reason: str
    """Whose limit it is."""

    @classmethod
    def of(cls, max_cost_usd: float | None) -> Allowance:
        """The user's own limit, or what the agent allows where that is less."""
        own = settings.load(with_key=False).max_cost_usd
        if own is None:
            own, reason = UNATTENDED_MAX_COST_USD, "without a limit of its own an agent's request may cost"
        else:
            reason = "the limit for a request in GPT_IMAGE_MAX_COST_USD or the preferences is"
        if max_cost_usd is not None and max_cost_usd < own:
            return cls(max_cost_usd, "max_cost_usd is")
        return cls(own, reason)

    def check(self, plan: api.Plan, *, can_ask: bool) -> None:
        """Everything that speaks against sending a request, before anybody is asked about its price.

        :param can_ask: the user can be asked, who may go beyond their own limit for agents.
        :raises GptImageError: it costs too much, or can't be sent from here.
        """
        found = settings.load()
        found.check_provider(plan.request.provider)
        try:
            check_limit(plan.estimate, Limits(self.usd, Message(self.reason)))
            if not can_ask:
                check_limit(plan.estimate, Limits(settings.agent_limit(), Message(AGENT_REASON)))
        except GptImageError as error:
            error.next_step = (
                "Choose a lower quality, a smaller size or fewer images; only the user raises the limit."
            )
            raise
        session.journal(found).check_budget(plan.estimate.high_usd, found.monthly_budget_usd)


def is_known(key: str | None) -> bool:
    """Whether an idempotency key has a job already, so that nothing more is paid for it."""
    if not key:
        return False
    return session.journal(settings.load(with_key=False)).entry(job_of_key(key)) is not None


def question(plan: api.Plan, values: JsonObject, *, again: bool) -> Question:
    """The question whether a request may be paid.

    :param values: the arguments of the call.
    :param again: it may have been paid for before.
    """
    request, price = plan.request, plan.estimate
    words = " ".join(request.prompt.split())
    shown = words if len(words) <= SHOWN_PROMPT else f"{words[:SHOWN_PROMPT]}…"
    model = request.model or plan.model.id
    lines = [
        f"An agent wants to pay at most ${price.high_usd:.4f} (about ${price.likely_usd:.4f}) for:",
        shown,
        f"{values.get('target', 'texture')}, {model}, {request.size}, {request.quality}, images: {request.n}",
    ]
    if request.references:
        lines.append(f"Images that are sent along: {', '.join(request.references)}")
    limit = settings.agent_limit()
    if limit is not None and price.high_usd > limit:
        lines.append(f"This is above the limit for agents, ${limit:.4f}.")
    if again:
        lines.append("The same request may have been billed before; it would be paid again.")
    title = f"Pay at most ${price.high_usd:.4f}"
    form = {"type": "boolean", "title": title, "description": "Nothing is sent without it.", "default": False}
    return Question("\n".join(lines), {"type": "object", "properties": {AGREED: form}, "required": [AGREED]})
