"""A request that may be sent, with all that was worked out of it: nobody after works any of it out again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .models import Model
from .pricing import Estimate
from .request import GenerationRequest


class SentCrop(Protocol):
    """The part of the first reference that is sent, see `core.editing.crops.Crop`."""

    @property
    def sent(self) -> tuple[int, int]:
        """The size in which it is sent."""
        ...

    def locate(self, x: float, y: float) -> tuple[float, float] | None:
        """Where a place of the whole image is in it, both from 0 to 1 from the lower left; None outside."""
        ...


@dataclass(frozen=True)
class CheckedRequest:
    """What travels from the button to the journal and to the provider."""

    wanted: GenerationRequest
    """As the user made it; names provider and model."""
    sent: GenerationRequest
    """What the provider is asked for: in a size that the model takes, with room for a cut."""
    prompt: str
    """The words that are sent."""
    model: Model
    price: Estimate
    """Of all that the result needs."""
    warnings: tuple[str, ...] = ()
    """Each a sentence."""
    crops: tuple[SentCrop, ...] = ()
    """Of a masked edit: the first is sent with this request, the others with follow-up requests."""

    def with_references(self, references: Sequence[str]) -> CheckedRequest:
        """The same with files in place of the names of captures, whose sizes its price knows.

        :param references: paths of as many files.
        """
        paths = tuple(references)
        return dataclasses.replace(
            self,
            wanted=dataclasses.replace(self.wanted, references=paths),
            sent=dataclasses.replace(self.sent, references=paths),
        )
