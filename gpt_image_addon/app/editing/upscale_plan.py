"""What upscaling an image takes: the image, where it goes, and the requests with their price."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.common.arguments import typed
from ...core.errors import InvalidRequestError
from ...core.request.pricing import Estimate
from ...core.request.providers import find_provider
from ...core.request.request import Application, GenerationRequest
from ...core.text.message import Message, message
from .. import blend_paths, models, session, settings
from ..material_maps import ImageSource, Source, read_source
from ..submission import Submitter
from .upscaled_materials import ShownIn, find_materials

if TYPE_CHECKING:
    from ...core.imaging.decoding import Pixels
    from ...core.results.output_files import Outputs
    from ...core.upscaling.plan import Tile

INVENTED = Message("At {scale} times its size hardly any of the detail was in the image: it is invented.")
REQUEST = ("provider", "model", "quality")
PARAMETERS: Mapping[str, Any] = {
    **dict.fromkeys((*REQUEST, "prompt"), str | None),
    "max_cost": float | None,
    "retry_unknown": bool | None,
}
"""Parameters that only requests have, and their types."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class UpscaleEstimate:
    """What upscaling would take."""

    width: int
    height: int
    requests: tuple[int, ...]
    """Of each pass."""
    price: Estimate
    """Of all of them; what is stored already costs nothing."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class UpscaleWork:
    """An image that is to be upscaled; everything that is read from Blender is read."""

    source: Source
    target: Path | None
    scale: int
    local: bool
    request: GenerationRequest
    """Names the provider; its prompt says what the image shows."""
    max_cost: float | None
    retry_unknown: bool
    outputs: Outputs
    uid: int | None = None
    """`session_uid` of the data-block that is upscaled into Blender; None of a file, or into one."""
    materials: tuple[ShownIn, ...] = ()
    """Those whose maps follow."""

    @classmethod
    def of(
        cls,
        picture: ImageSource,
        output: str | Path | None,
        *,
        scale: int = 2,
        local: bool = False,
        overwrite: bool = False,
        **parameters: Any,
    ) -> UpscaleWork:
        """
        :raises InvalidRequestError: the image, the scale or the kind of file can't be used.
        """
        from ...core.upscaling.plan import pass_sizes

        values = typed(PARAMETERS, parameters)
        for name in values if local else ():
            raise InvalidRequestError(
                message("{name} belongs to requests; a local resample sends none.", name=name), param=name
            )
        source = read_source(picture)
        header = source.header()
        pass_sizes((header.width, header.height), scale)
        found = settings.load(with_key=False)
        given = {name: values[name] for name in REQUEST if values.get(name)}
        request = GenerationRequest(
            prompt=values.get("prompt") or "", **{"provider": found.provider, **given}
        )
        if not local and not find_provider(request.provider).takes_masks:
            raise InvalidRequestError(
                message("The {provider} provider can't upscale images.", provider=request.provider),
                code="unsupported",
                param="provider",
                next_step="Choose another provider, or only resample: --local (local=True in Python).",
            )
        image = _data_block(picture, source) if output is None else None
        return cls(
            source,
            _target(output, source) if output is not None else None,
            scale,
            local,
            request,
            values.get("max_cost"),
            bool(values.get("retry_unknown")),
            session.outputs(overwrite=overwrite),
            image.session_uid if image is not None else None,
            find_materials(image) if image is not None else (),
        )

    @property
    def name(self) -> str:
        return Path(self.source.label).stem

    def check_target(self) -> None:
        """
        :raises InvalidRequestError: something else has the name of the file.
        :raises StorageError: its folder can't be written.
        """
        if self.target is not None:
            self.outputs.check(self.target, self.source.owner, param="output")

    def warnings(self) -> tuple[str, ...]:
        from ...core.upscaling.plan import DETAIL_INVENTED

        if self.local or self.scale < DETAIL_INVENTED:
            return ()
        return (message(INVENTED, scale=self.scale),)

    def estimate(self, found: settings.Settings) -> UpscaleEstimate:
        from ...core.upscaling.plan import pass_sizes

        header = self.source.header()
        sizes = pass_sizes((header.width, header.height), self.scale)
        if self.local:
            return UpscaleEstimate(*sizes[-1], (), Estimate(0.0, 0.0, exact=True), ())
        pixels, notes = self.source.decode()
        plan = UpscalePlan.of(self, pixels, found)
        return UpscaleEstimate(
            *sizes[-1], tuple(map(len, plan.passes)), plan.price(0), (*notes, *self.warnings())
        )


def _data_block(picture: ImageSource, source: Source) -> bpy.types.Image | None:
    if isinstance(picture, bpy.types.Image):
        return picture
    return None if Path(source.label).is_file() else bpy.data.images.get(source.label)


def _target(output: str | Path, source: Source) -> Path:
    """
    :raises InvalidRequestError: such a file is not written, or is the image itself.
    """
    from ...core.textures.writer import TILE_FORMATS

    target = blend_paths.resolve(output, "output")
    if target.suffix.lower() not in TILE_FORMATS:
        raise InvalidRequestError(
            message(
                "An upscaled image is written as {formats}, not as '{name}'.",
                formats=", ".join(TILE_FORMATS),
                name=target.name,
            ),
            param="output",
        )
    if Path(source.label).is_file() and target.exists() and target.samefile(source.label):
        raise InvalidRequestError(
            message("{path} is the image itself; name another file.", path=target), param="output"
        )
    return target


@dataclass(frozen=True)
class UpscalePlan:
    """The requests for an image, and how they are checked and priced."""

    submitter: Submitter
    request: GenerationRequest
    """With its model."""
    passes: tuple[tuple[Tile, ...], ...]
    wraps: bool
    _prices: dict[tuple[Size, Size], Estimate] = field(default_factory=dict)

    @classmethod
    def of(cls, work: UpscaleWork, pixels: Pixels, found: settings.Settings) -> UpscalePlan:
        """Runs in any thread."""
        from ...core.textures.writer import shows_tile
        from ...core.upscaling.plan import pass_sizes, plan_tiles

        table = models.find_registry(found)
        request, _ = models.resolve_model(work.request, table, found)
        rule = table.likely_size_rule(request.model)
        wraps = shows_tile(pixels)
        sizes = pass_sizes((pixels.shape[1], pixels.shape[0]), work.scale)
        passes = tuple(plan_tiles(size, rule, wraps=wraps) for size in sizes)
        return cls(Submitter(found), request, passes, wraps)

    def price(self, first: int) -> Estimate:
        """Of the passes from this one on.

        :raises InvalidRequestError: such a request can't be sent.
        """
        total = Estimate(0.0, 0.0, exact=True)
        for tiles in self.passes[first:]:
            for tile in tiles:
                total = dataclasses.replace(total.plus(self.price_tile(tile)), further_usd=0.0)
        return total

    def price_tile(self, tile: Tile) -> Estimate:
        """Of one request.

        :raises InvalidRequestError: it can't be sent.
        """
        original = (tile.original.width, tile.original.height)
        key = (tile.sent, original)
        if key not in self._prices:
            self._prices[key] = self._price(*key)
        return self._prices[key]

    def _price(self, sent: Size, original: Size) -> Estimate:
        from ...core.jobs.follow_ups import upscale_request

        asked = upscale_request(self.request, "-", "-", sent)
        checked = self.submitter.check(asked, Application(target="image"), measure=lambda _: (sent, original))
        return checked.price
