"""The tool that paints objects for agents: what is priced is what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from gpt_image_addon.app.scheduler import drain
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


def call(can_ask: bool) -> tuple[list[Question], Answer]:
    """What the user is asked, each time answered with yes, and what the tool answers."""
    caller = Caller(can_ask=can_ask, is_late=lambda: False, client="one")
    steps = Toolbox(Folders()).table()["texture"].run(dict(ASKED), caller)
    asked = []
    step = next(steps)
    while True:
        drain(0.01)
        answer = None
        if isinstance(step, Question):
            asked.append(step)
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
