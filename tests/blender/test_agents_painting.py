"""The tool that paints objects for agents: what is priced is what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import pytest

from gpt_image_addon.app.scheduler import drain
from gpt_image_addon.core.errors import GptImageError
from gpt_image_addon.core.painting import guides
from gpt_image_addon.mcp.files import Folders
from gpt_image_addon.mcp.protocol import Answer, Caller, Question
from gpt_image_addon.mcp.tools import Toolbox
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.scene_fixtures import camera, cube

ASKED = {
    "objects": ["Cube"],
    "prompt": "worn copper",
    "views": "camera",
    "quality": "low",
    "texture_size": 64,
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for each time that guides are drawn."""
    times: list[Any] = []
    draw = guides.draw_guides

    def counted(*args: Any, **kwargs: Any) -> Any:
        times.append(args)
        return draw(*args, **kwargs)

    monkeypatch.setattr(guides, "draw_guides", counted)
    return times


def call(can_ask: bool, meanwhile: Callable[[], None] | None = None) -> tuple[list[Question], Answer]:
    """What the user is asked, each time answered with yes, and what the tool answers.

    :param meanwhile: what happens before the user answers.
    """
    caller = Caller(can_ask=can_ask, is_late=lambda: False, client="one")
    steps = Toolbox(Folders()).table()["texture"].run(dict(ASKED), caller)
    asked = []
    step = next(steps)
    while True:
        drain(0.01)
        answer = None
        if isinstance(step, Question):
            asked.append(step)
            if meanwhile is not None:
                meanwhile()
            answer = {"spend": True}
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return asked, end.value


@pytest.mark.parametrize("can_ask", [False, True])
def test_views_are_drawn_once_unless_the_user_was_asked(
    can_ask: bool, online: ApiServer, drawn: list[Any]
) -> None:
    online.options.edits = scenes.painted()
    cube()
    camera()
    asked, answer = call(can_ask)
    assert answer.facts["state"] == "succeeded", answer.facts
    assert len(asked) == can_ask
    assert len(drawn) == 1 + can_ask  # who is asked may have changed the scene meanwhile
    assert len(online.requests) == 1


def test_what_became_more_expensive_than_agreed_is_not_sent(online: ApiServer) -> None:
    online.options.edits = scenes.painted()
    cube()
    camera()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 3072, 1024

    def narrow() -> None:
        scene.render.resolution_x = 1024  # a square has more pixels

    with pytest.raises(GptImageError) as caught:
        call(True, narrow)
    assert (caught.value.code, caught.value.billed) == ("max_cost_exceeded", "no") and not online.requests
