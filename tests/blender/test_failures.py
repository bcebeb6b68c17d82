"""What is said of failures, and the one button that mends each."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from datetime import datetime
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results, settings
from gpt_image_addon.core import errors
from gpt_image_addon.core.errors import GptImageError, SceneError
from gpt_image_addon.core.jobs.job import Task
from gpt_image_addon.core.journal.history import HistoryItem
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.providers import PROVIDERS
from gpt_image_addon.ui import menus
from gpt_image_addon.ui.preferences import keys, new_file
from gpt_image_addon.ui.request import quote
from gpt_image_addon.ui.results import (
    chosen,
    failure_table,
    failures,
    history_view,
    operators_failures,
    operators_history,
    operators_results,
    outcomes,
    result_menu,
)
from tests.api_server import ApiServer, faults
from tests.blender.layouts import Layout, draw
from tests.blender.test_panels import AboutTheJob, card, panel

WIDTH = 200  # characters: nothing is broken into lines
ERRORS = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, GptImageError)
]
OPENAI = PROVIDERS["openai"]
NOW = datetime(2026, 1, 1)


def values() -> Any:
    return bpy.context.scene.gpt_image


class Shown(Layout):
    """Remembers what the buttons were given."""

    def __init__(self, root: Layout | None = None, *, opened: bool = True) -> None:
        super().__init__(root, opened=opened)
        self.given: dict[str, Any] = {} if root is None else root.given  # type: ignore[attr-defined]

    def _part(self, *_: Any, **__: Any) -> Shown:
        return Shown(self.root, opened=self.opened)

    row = column = box = _part

    def operator(self, idname: str, text: str = "", icon: str = "NONE", **options: Any) -> Any:
        found = super().operator(idname, text, icon, **options)
        given, checked = self.given, type(found)

        class Noted(checked):  # type: ignore[misc, valid-type]
            def __setattr__(self, name: str, value: Any) -> None:
                super().__setattr__(name, value)
                given[f"{idname} {name}"] = value

        return Noted(found.__dict__["rna"])


def failed(server: ApiServer, row: str) -> Any:
    server.script(faults.error(row))
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert job.wait(20) and job.error is not None
    return job


def test_every_error_has_a_row_and_every_button_an_operator() -> None:
    for error in ERRORS:
        row = failure_table.find_row(None, error.__name__)
        assert (
            error is GptImageError
            or row is not failure_table.ROWS["GptImageError"]
            or error
            in (
                errors.APIError,
                errors.RowTakenError,
            )
        ), error
    for row in failure_table.ROWS.values():
        for mend in filter(None, (row.mend, row.also)):
            group, name = mend.operator.split(".")
            assert name in dir(getattr(bpy.ops, group)), mend.operator
            assert not mend.address or getattr(OPENAI, mend.address).startswith("https://")
            Layout()._check(mend.icon, mend.text)
    assert failure_table.find_row(None, "NoSuchError") is failure_table.ROWS["GptImageError"]


@pytest.mark.parametrize(
    ("row", "sentence", "word", "url"),
    [
        ("insufficient_quota", "Out of credit at OpenAI.", "Billing", OPENAI.billing_url),
        ("billing_hard_limit_reached", "Out of credit at OpenAI.", "Billing", OPENAI.billing_url),
        ("project_spend_limit_exceeded", "A limit of your account", "Limits", OPENAI.limits_url),
        ("organization_not_verified", "Your organization is not verified", "Verify", OPENAI.verify_url),
        ("unsupported_country", "OpenAI is not available in your country.", "Settings", ""),
        ("moderation_blocked", "The safety system blocked the request.", "Edit", ""),
        ("model_not_found", "OpenAI does not know the model.", "Edit", ""),
        ("invalid_api_key", "OpenAI refused the key.", "Key", ""),
    ],
)
def test_a_failure_is_one_sentence_and_one_button(
    online: ApiServer, row: str, sentence: str, word: str, url: str
) -> None:
    job = failed(online, row)
    failure = failures.failure_of(job)
    assert failure is not None and failure.button is not None
    assert failure.sentence.startswith(sentence) and failure.explanation and failure.word == word
    assert failure.billed == "Nothing was billed." and failure.icon == "ERROR"
    layout = Shown()
    failures.draw_failure(layout, job, WIDTH)
    assert layout.said[0] == failure.sentence and failure.label in layout.said
    assert layout.given.get("wm.url_open url", "") in (url, OPENAI.key_url if word == "Key" else url)
    assert failures.failure_of_id(job.id) == failure
    api.forget_finished()
    stored = failures.failure_of_id(job.id)
    assert stored is not None and (stored.sentence, stored.word) == (failure.sentence, word)


def test_the_servers_words_are_never_an_address(online: ApiServer) -> None:
    online.script(faults.error("insufficient_quota", message="Pay at https://evil.example/now"))
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert job.wait(20)
    layout = Shown()
    failures.draw_failure(layout, job, WIDTH)
    assert layout.given == {"wm.url_open url": OPENAI.billing_url}
    assert not any("evil" in text for text in layout.said)


def test_a_failed_row_keeps_a_menu(online: ApiServer) -> None:
    job = failed(online, "insufficient_quota")
    layout = card()
    assert layout.pointers["gpt_image_job"] == job.id and "Out of credit at OpenAI." in layout.said
    assert "Open Billing" in layout.said and "Nothing was billed." in layout.said
    menu = draw(operators_failures.GPT_IMAGE_MT_failed, context=AboutTheJob(job.id))
    assert menu.operators == [
        "gpt_image.again",
        "gpt_image.recall",
        "gpt_image.copy_error",
        "wm.url_open",
    ]
    assert menu.said[0].startswith("Try Again  ·  $") and menu.said[3] == "Open Billing"
    api.forget_finished()
    assert draw(operators_failures.GPT_IMAGE_MT_failed, context=AboutTheJob(job.id)).said == menu.said


@pytest.mark.parametrize(
    ("fault", "word"), [("insufficient_quota", "Billing"), ("moderation_blocked", "Failed")]
)
def test_a_failed_cell_has_what_mends_it(online: ApiServer, fault: str, word: str) -> None:
    """A button of one word; where another try is what helps, which is paid, a menu that has its price."""
    job = failed(online, fault)
    draw(panel("results"))
    cells = draw(panel("results"))
    assert word in cells.said and "gpt_image.again" not in cells.operators
    assert ("wm.url_open" in cells.operators) is (word == "Billing")
    assert (cells.pointers.get("gpt_image_job") == job.id) is (word == "Failed")


def test_an_error_is_copied(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    job = failed(online, "insufficient_quota")
    text = failures.text_of(job.error)
    assert "no credit left" in text and "type: InsufficientQuotaError" in text
    assert f"request_id: {job.error.request_id}" in text
    assert bpy.ops.gpt_image.copy_error(job=job.id) == {"FINISHED"}
    assert failures.text_of(results.entry(job.id).error or {}) == text
    done = api.submit("oak", provider="offline", size="64x64", target="image")
    assert done.wait(10) and bpy.ops.gpt_image.copy_error(job=done.id) == {"CANCELLED"}


def test_a_cancelled_request_that_had_left_may_have_been_billed(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert online.wait_until(lambda server: bool(server.stalled), 20)
    api.cancel(job.id)
    assert job.wait(20) and job.state is JobState.CANCELLED
    assert "It may have been billed." in card().said
    failure = failures.failure_of(job)
    assert failure is not None and failure.is_wanted and failure.icon == "CANCEL"


def test_local_work_has_no_button_about_a_request() -> None:
    local = Task(title="maps")
    local.fail(SceneError("The object is gone."))
    failure = failures.failure_of(local)
    assert failure is not None and failure.button is None and failure.explanation == "The object is gone."


def caption() -> list[str]:
    """Operators of the panel that mend what is not about a job."""
    mends = (failure_table.PASTE_KEY.operator, failure_table.ALLOW.operator)
    return [name for name in draw(panel("main")).operators if name in mends]


def code() -> str:
    return quote.current(bpy.context.scene).problem_code


def test_what_keeps_the_button_grey_has_a_button(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    quote.forget()
    values().provider = "openai"
    assert code() == "missing_prompt" and failures.problem_of(quote.current(bpy.context.scene)) is None
    values().prompt = "oak"
    assert code() == "missing_api_key" and caption() == ["gpt_image.paste_key"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert code() == "online_access_disabled" and caption() == ["gpt_image.allow_online_access"]
    said = draw(panel("main")).said
    assert "Allow" in said and any(text == "Online access is off." for text in said)
    values().model = "gpt-image-1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert "shut down" in quote.current(bpy.context.scene).problem and not caption()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://example.com/v1")
    failure = failures.problem_of(quote.current(bpy.context.scene))
    assert failure is not None and failure.label == "Open Preferences"
    assert "Settings" in draw(panel("main")).said


def test_what_ended_with_its_process_has_a_sentence() -> None:
    item = HistoryItem("x", "oak", JobState.UNKNOWN, NOW, None, 0.01, (), False, "openai", "image", None)
    failure = failures.failure_of_item(item)
    assert failure is not None and failure.sentence == "The request got no answer."
    assert failure.billed == "It may have been billed." and failure.word == "Retry"
    for other in (JobState.APPLIED, JobState.RECEIVED):
        assert failures.failure_of_item(dataclasses.replace(item, state=other)) is None


def test_a_failure_of_another_session_looks_the_same(online: ApiServer) -> None:
    job = failed(online, "insufficient_quota")
    before = card().said
    api.close()
    draw(panel("results"))
    (item,) = history_view.current().rows
    chosen.choose(item.job, (), (item,))
    after = card()
    for text in ("Out of credit at OpenAI.", "Add credit, then try again.", "Open Billing"):
        assert text in before and text in after.said
    assert after.pointers["gpt_image_job"] == job.id
    about = operators_history.GPT_IMAGE_OT_show_result.description(bpy.context, item)
    assert "no credit left" in about and "{" not in about


def test_online_access_is_allowed_by_one_click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    quote.forget()
    values().provider, values().prompt = "openai", "oak"
    system = bpy.context.preferences.system
    assert not bpy.app.online_access and quote.current(bpy.context.scene).problem
    try:
        assert bpy.ops.gpt_image.allow_online_access() == {"FINISHED"}
        assert system.use_online_access and bpy.app.online_access
        assert quote.current(bpy.context.scene).problem == ""
    finally:
        system.use_online_access = False


def test_what_deletes_asks_with_its_own_words(online: ApiServer) -> None:
    job = api.submit("oak", provider="offline", size="64x64", target="image")
    assert job.wait(10)
    asked: list[dict[str, Any]] = []

    class Manager:
        def invoke_props_dialog(self, operator: Any, **options: Any) -> set[str]:
            asked.append(options)
            return {"RUNNING_MODAL"}

    class Context:
        window_manager = Manager()

    for cls in (
        keys.GPT_IMAGE_OT_forget_key,
        operators_history.GPT_IMAGE_OT_delete_result,
        operators_results.GPT_IMAGE_OT_strip,
    ):
        own = {name: value for name, value in vars(cls).items() if callable(value) or name == "bl_label"}
        operator = type("Operator", (), {**own, "job": job.id})()
        assert operator.invoke(Context(), None) == {"RUNNING_MODAL"}
        assert draw(cls, operator).said, cls
    assert [options["confirm_text"] for options in asked] == ["Forget Key", "Delete", "Remove"]
    assert all(options["cancel_default"] for options in asked)


def test_the_whole_file_is_cleaned_from_the_files_own_menu(online: ApiServer) -> None:
    job = api.submit("oak", provider="offline", size="64x64", target="image")
    assert job.wait(10)
    menu = draw(result_menu.GPT_IMAGE_MT_result, context=AboutTheJob(job.id))
    assert "gpt_image.strip" not in menu.operators
    assert "TOPBAR_MT_file_cleanup" in dict(menus.MENUS)
    layout = Layout()

    class Menu:
        pass

    shown: Any = Menu()
    shown.layout = layout
    dict(menus.MENUS)["TOPBAR_MT_file_cleanup"](shown, bpy.context)
    assert layout.operators == ["gpt_image.strip"]


def test_the_place_of_a_key_is_that_of_the_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    class Preferences:
        use_keychain = True

    class Operator:
        place = "file"

        class properties:
            @staticmethod
            def is_property_set(name: str) -> bool:
                return False

    monkeypatch.setattr(settings, "preferences", Preferences)
    monkeypatch.setattr(keys, "keychain_is_offered", lambda: True)
    assert keys.GPT_IMAGE_OT_paste_key._place(Operator) == "keychain"  # type: ignore[arg-type]
    monkeypatch.setattr(keys, "keychain_is_offered", lambda: False)
    assert keys.GPT_IMAGE_OT_paste_key._place(Operator) == "file"  # type: ignore[arg-type]


class Preferred:
    """Preferences of somebody who has some."""

    default_target, default_quality, default_provider = "material", "high", "offline"


def test_a_new_file_begins_with_what_the_user_prefers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "preferences", lambda: Preferred)
    other = bpy.data.scenes.new("Other")
    values().quality = "low"
    new_file.begin(is_new=False)
    assert (values().target, values().quality) == ("texture", "low"), "a request of its own stays"
    assert (other.gpt_image.target, other.gpt_image.quality) == ("material", "high")
    new_file._on_load("")
    assert (values().target, values().quality, values().provider) == ("material", "high", "offline")
    values().quality = "low"
    new_file._on_load("/somewhere/saved.blend")
    assert values().quality == "low"


def test_an_untouched_scene_stays_so_where_nothing_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usual:
        default_target, default_quality, default_provider = "texture", "medium", "auto"

    monkeypatch.setattr(settings, "preferences", lambda: Usual)
    new_file._on_load("")
    assert new_file._is_untouched(values())


def test_several_failures_share_one_popup(online: ApiServer) -> None:
    jobs = [failed(online, "insufficient_quota") for _ in range(3)]
    layout = Shown()
    outcomes.draw_popup(layout, jobs)
    assert layout.said[:2] == ["GPT Image: oak", "Out of credit at OpenAI."]
    assert layout.operators == ["wm.url_open"]
    assert layout.said[-1].startswith("More jobs failed: 2.")


def test_a_popup_under_the_mouse_sends_nothing(online: ApiServer) -> None:
    online.script(
        faults.error("rate_limit_exceeded", headers={"retry-after": "0"}), *[faults.error("server_error")] * 9
    )
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert job.wait(20) and job.error is not None
    failure = failures.failure_of(job)
    assert failure is not None and failure.button is not None and failure.button.mend.is_paid
    layout = Shown()
    outcomes.draw_popup(layout, [job])
    assert failure.sentence in layout.said and not layout.operators


def test_a_popup_waits_for_a_tool_and_then_rests(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    popped: list[list[Any]] = []
    now = [1000.0]
    monkeypatch.setattr(outcomes, "_pop_up", popped.append)
    monkeypatch.setattr(outcomes.time, "monotonic", lambda: now[0])

    class Window:
        modal_operators: tuple[str, ...] = ("TRANSFORM_OT_translate",)

    class Context:
        class window_manager:
            windows = (Window,)

    class Bpy:
        context = Context

    remembered = outcomes.Outcomes()
    monkeypatch.setattr(outcomes.state, "part", lambda kind: remembered)
    monkeypatch.setattr(outcomes, "bpy", Bpy)
    monkeypatch.setattr(outcomes.sidebar, "is_visible", lambda: False)
    outcomes._gather(remembered, "first")  # type: ignore[arg-type]
    outcomes._gather(remembered, "second")  # type: ignore[arg-type]
    now[0] += 1
    assert not outcomes._pop_up_when_free() and not popped
    Window.modal_operators = ()
    assert outcomes._pop_up_when_free() and popped == [["first", "second"]]
    outcomes._gather(remembered, "third")  # type: ignore[arg-type]
    assert remembered.failed == [], "told in the status bar alone"
    now[0] += outcomes.REST
    outcomes._gather(remembered, "fourth")  # type: ignore[arg-type]
    assert remembered.failed == ["fourth"]


def test_the_addresses_of_errors_are_those_of_the_table() -> None:
    assert OPENAI.billing_url in errors.InsufficientQuotaError.default_next_step
    source = ast.parse(inspect.getsource(failure_table))
    texts = [node.value for node in ast.walk(source) if isinstance(node, ast.Constant)]
    assert not any(isinstance(text, str) and "://" in text for text in texts)
