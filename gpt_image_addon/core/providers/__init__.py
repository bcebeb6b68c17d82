"""The code of the providers, found by their rows in `request.providers`. Importing this loads none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import APIError, ConfigurationError
from ..request.pricing import Estimate, UsageHistory, no_history
from ..request.providers import PROVIDERS, ProviderInfo, find_provider
from ..text.message import Message, message, one_of

if TYPE_CHECKING:
    from ..http.endpoint import Connection
    from ..request.models import Registry
    from ..request.pricing import Usage
    from ..request.request import GenerationRequest
    from ..workflows.description import Description
    from .base import DescribesWorkflows, FindsJobs, Provider


def load_provider(name: str) -> type[Provider]:
    """The class of a provider.

    :raises ConfigurationError: there is none of that name.
    """
    info = _row(name)
    found: type[Provider] = getattr(import_module(info.module, __name__), info.factory)
    return found


def _row(name: str) -> ProviderInfo:
    info = PROVIDERS.get(name)
    if info is None:
        raise ConfigurationError(
            message("There is no provider '{provider}'.", provider=name),
            next_step=message("Use {names}.", names=one_of(PROVIDERS)),
        )
    return info


def make_provider(name: str, connection: Connection) -> Provider:
    """A provider that is ready to work.

    :raises ConfigurationError: there is none of that name.
    """
    return load_provider(name)(connection)


def describe_server(name: str, connection: Connection) -> Message:
    """One sentence of what answers at a provider's address.

    :raises APIError: nothing does, or it refuses.
    """
    provider: Any = make_provider(name, connection)
    if find_provider(name).describes_server:
        told: Message = provider.describe()
        return told
    return message("The server answers and offers {count} models.", count=len(provider.list_models()))


def describe_workflow(name: str, connection: Connection, path: Path, wanted: Sequence[str]) -> Description:
    """What a workflow takes at a provider's server; what its file says where the server can't be asked.

    :param wanted: where the user wants roles, each as ``role=Title.input``.
    :raises InvalidRequestError: it can't be used there.
    """
    from ..workflows.description import describe
    from ..workflows.file import read_workflow

    provider: Any = make_provider(name, connection)
    describes: DescribesWorkflows = provider
    try:
        return describes.describe_workflow(path, wanted)
    except APIError as error:
        found = describe(read_workflow(path), {}, is_asked=False)
        return replace(found, problem=error.text)


def make_finder(name: str, connection: Connection) -> FindsJobs | None:
    """What asks a provider's server for the answers to earlier jobs; None where it can't be asked."""
    info = PROVIDERS.get(name)
    if info is None or not info.finds_jobs:
        return None
    found: Any = load_provider(name)(connection)
    finder: FindsJobs = found
    return finder


def _pricing_of(name: str) -> ModuleType | None:
    """The module that knows a provider's prices; None where nothing is paid."""
    pricing = _row(name).pricing
    return import_module(pricing, __name__) if pricing else None


def find_hints(request: GenerationRequest) -> tuple[str, ...]:
    """What a request's provider will not show of it: sentences, none where that is not known.

    :raises ConfigurationError: there is no provider of that name.
    """
    hints = _row(request.provider).hints
    if not hints:
        return ()
    try:
        found: tuple[str, ...] = import_module(hints, __name__).find_hints(request)
    except ImportError:  # without its modules it draws nothing at all, which is said elsewhere
        return ()
    return found


def price_request(
    request: GenerationRequest,
    prompt: str,
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]] = (),
    seen: UsageHistory = no_history,
) -> Estimate:
    """What a request will cost at its provider.

    :param request: as it is sent.
    :param prompt: the words that are sent.
    :param picture_sizes: width and height in pixels of each reference, then of mask and markup.
    :param seen: what earlier answers took.
    :raises ConfigurationError: there is no provider of that name.
    """
    pricing = _pricing_of(request.provider)
    if pricing is None:
        return Estimate(0.0, 0.0, exact=True)
    price: Estimate = pricing.price_request(request, prompt, registry, picture_sizes, seen)
    return price


def price_answer(request: GenerationRequest, usage: Usage, registry: Registry) -> float | None:
    """What an answer did cost in USD; None where the model's prices are unknown."""
    pricing = _pricing_of(request.provider)
    if pricing is None:
        return 0.0
    cost: float | None = pricing.cost_usd(usage, registry, request.model)
    return cost
