"""From objects and views to requests that paint one view after another; nothing is changed, nothing sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.painting.projection import ProjectedView, Projection
from ...core.references.kinds import AUTO, GUIDE, PAINTED
from ...core.request.providers import find_provider
from ...core.request.request import Application, GenerationRequest
from ...core.request.sizes import SizeRule, format_size
from .plan import check_seen, is_sequence, list_notes, place_on, plan_painting

if TYPE_CHECKING:
    from ...core.projection.surface import Triangles

FIRST = "a clay render of a model in front of a plain background, seen from: {view}"
NEXT = (
    "a render of a model in front of a plain background, seen from: {view}; what is gray clay is not painted "
    "yet and the rest of it is"
)
BEFORE = "the same model, painted, seen from: {view}"


@dataclass(frozen=True)
class AnsweredView:
    """A view that is answered."""

    job: str
    """Id of its job."""
    placed: tuple[float, ...] = ()
    """See `ProjectedView.placed`."""


@dataclass(frozen=True)
class SequencePlan:
    """Views that are painted one after another. Holds no data of Blender."""

    request: GenerationRequest
    """As the user made it."""
    application: Application
    projection: Projection
    """With all views."""
    triangles: Triangles
    notes: tuple[str, ...]
    """What the user should know before anything is sent."""

    @property
    def views(self) -> tuple[ProjectedView, ...]:
        """In the order in which they are painted."""
        return self.projection.views

    @property
    def takes_masks(self) -> bool:
        """Whether the provider does."""
        return find_provider(self.request.provider).takes_masks

    def make_projection(self, number: int, answered: Mapping[int, AnsweredView]) -> Projection:
        """What is projected once a view is answered; maps are made of what the last one completes.

        :param number: of the view.
        :param answered: earlier views, by their number.
        """
        earlier = [
            dataclasses.replace(self.views[at], job=found.job, placed=found.placed)
            for at, found in sorted(answered.items())
        ]
        is_last = number == len(self.views) - 1
        return dataclasses.replace(
            self.projection,
            views=(*earlier, self.views[number]),
            surface_maps=self.projection.surface_maps and is_last,
        )

    def make_application(self, projection: Projection) -> Application:
        """What becomes of the answer."""
        return dataclasses.replace(self.application, projection=projection.to_text(), composite=False)

    def make_request(
        self,
        number: int,
        guides: Sequence[str],
        mask: str | None = None,
        painted: tuple[int, str] | None = None,
    ) -> GenerationRequest:
        """What is sent of a view.

        :param guides: paths of the objects as they are so far, and of the other guides.
        :param mask: path of what is to be painted; None where that is everywhere.
        :param painted: number of a view that is answered, and path of its answer: the others get its style.
        """
        request = self.request
        own = len(request.references)
        label = (FIRST if mask is None else NEXT).format(view=self.views[number].name)
        style = () if painted is None else (BEFORE.format(view=self.views[painted[0]].name),)
        labels = (*request.reference_labels, *[""] * own)[:own]
        return dataclasses.replace(
            request,
            references=(*guides, *(() if painted is None else (painted[1],)), *request.references),
            reference_kinds=(
                GUIDE,
                *self.application.guides,
                *(PAINTED for _ in style),
                *(*request.reference_kinds, *[AUTO] * own)[:own],
            ),
            reference_labels=(label, *[""] * len(self.application.guides), *style, *labels),
            mask=mask if self.takes_masks else None,
            size=format_size(*self.projection.sent_size),
        )


def plan_sequence(
    request: GenerationRequest, application: Application, rule: SizeRule
) -> SequencePlan | None:
    """The views that are painted one after another; None where one request paints all.

    :param request: names provider and model.
    :param rule: the sizes that the model takes.
    :raises InvalidRequestError: it can't be projected.
    """
    from ...core.painting.guides import count_painted

    painting = plan_painting(request, application, rule)
    if not is_sequence(application, painting.projection):
        return None
    check_seen(painting.projection, count_painted(painting.triangles, painting.projection))
    return SequencePlan(
        request,
        place_on(application, painting),
        painting.projection,
        painting.triangles,
        list_notes(painting.canvases, painting.projection),
    )
