"""The add-on's preferences. The key is not one of them: preferences lie in a file that everyone may read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ... import api
from ...app import models, settings
from ...app.diagnostics import requirements
from ...core.common.package import PACKAGE
from ...core.request.parameters import (
    DEFAULT_CONCURRENCY,
    DEFAULT_SIZE,
    PARAMETERS,
    QUALITIES,
    UNATTENDED_MAX_COST_USD,
)
from ...core.request.providers import (
    DEFAULT_PROVIDER,
    PROVIDERS,
    ProviderInfo,
    ProviderSetting,
    find_provider,
    list_settings,
)
from ...core.text.message import Message, message
from ..common import enum_items
from ..common.translate import translate
from ..common.widgets import draw_sentence
from ..presets import style_operators
from ..request import quote
from ..results import disk_usage, operators_history
from . import connection_test, keys, new_file

LOG_LEVELS = (
    ("ERROR", "Errors", "Only what went wrong"),
    ("WARNING", "Warnings", "What went wrong, and what may"),
    ("INFO", "Information", "Each request"),
    ("DEBUG", "Debugging", "Everything but keys, prompts and images"),
)
STORAGE = (
    ("pack", "Pack into the .blend", "Images travel with the file"),
    ("save", "Save beside the .blend", "Images lie in the folder textures; an unsaved file packs them"),
)


def _names(info: ProviderInfo) -> tuple[str, ...]:
    return tuple(setting.name for setting in info.settings)


SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "New Requests",
        (
            *("default_target", "default_quality", "default_provider", "default_model"),
            *("default_size", "default_width", "default_height"),
        ),
    ),
    ("Costs", ("monthly_budget_usd", "max_cost_usd", "confirm_above_usd")),
    ("Agents", ("agent_max_cost_usd", "agent_folders")),
    ("Results", ("storage", "textures_dir", "asset_library", "turn_views", "show_first")),
    ("Server", ("concurrency", "proxy", *_names(PROVIDERS[DEFAULT_PROVIDER]))),
    *(
        (info.label, _names(info))
        for name, info in PROVIDERS.items()
        if name != DEFAULT_PROVIDER and info.settings
    ),
    ("Logging", ("log_level",)),
)

CUSTOM_NAMES = ("default_width", "default_height")
OVERRIDDEN_BY = {
    **{setting.name: setting.variable for setting in list_settings()},
    "monthly_budget_usd": "GPT_IMAGE_MONTHLY_BUDGET_USD",
    "max_cost_usd": "GPT_IMAGE_MAX_COST_USD",
    "agent_max_cost_usd": "GPT_IMAGE_AGENT_MAX_COST_USD",
}
"""Variables of the environment that go before a preference."""
WITHOUT_KEY = {info.address: name for name, info in PROVIDERS.items() if info.address and not info.needs_key}
"""Providers whose server is tested beside its address, by that setting; others are tested with the key."""
LINE = 90  # characters of a line

KEY_TEXTS = {
    "environment": "The key comes from OPENAI_API_KEY.",
    "keychain": "The key is stored in the system keychain.",
    "file": "A key is stored in a file that only you can read.",
    "": "There is no key yet: offline drafts only.",
}
"""What is said of the key, by `settings.key_source`."""


OWN_KEY_TEXTS = {
    "environment": Message("The key of the {account} comes from {variable}."),
    "keychain": Message("The key of the {account} is stored in the system keychain."),
    "file": Message("The key of the {account} is stored in a file that only you can read."),
    "": Message("There is no key of a {account} yet."),
}
"""The same of a provider's own key."""


def _on_change(self: Any, context: bpy.types.Context) -> None:
    quote.forget()
    import logging

    from ...core.text import log

    logging.getLogger(log.ROOT).setLevel(self.log_level)


def _models(owner: Any, context: bpy.types.Context, text: str) -> list[str]:
    return [
        row["id"]
        for row in api.models()
        if row["state"] != "shut down"
        and not find_provider(row["provider"]).default_model
        and text.lower() in row["id"].lower()
    ]


def _libraries(owner: Any, context: bpy.types.Context, text: str) -> list[str]:
    return [library.name for library in context.preferences.filepaths.asset_libraries]


class GPT_IMAGE_AP_preferences(bpy.types.AddonPreferences):
    """Who makes the images, and what that may cost."""

    bl_idname = PACKAGE

    monthly_budget_usd: FloatProperty(
        name="Monthly Budget (USD)",
        description="Nothing is sent that could exceed this in a month; 0 means no limit",
        min=0.0,
        precision=2,
        update=_on_change,
    )
    max_cost_usd: FloatProperty(
        name="Limit for a Request (USD)",
        description="Nothing is sent that could cost more; 0 means no limit, and in background "
        f"{UNATTENDED_MAX_COST_USD:.2f}",
        min=0.0,
        precision=2,
        update=_on_change,
    )
    confirm_above_usd: FloatProperty(
        name="Confirm Above (USD)",
        description="Ask before a request that could cost more than this; 0 means never",
        default=0.5,
        min=0.0,
        precision=2,
    )
    agent_max_cost_usd: FloatProperty(
        name="Limit for Agents (USD)",
        description="Agents ask you before a request that could cost more, and are refused where they can't; "
        "0 means no limit of its own",
        min=0.0,
        precision=2,
    )
    agent_folders: StringProperty(
        name="Folders for Agents",
        description="Agents may show a model the images in these folders, and write below them; "
        "several are separated by ;",
        subtype="DIR_PATH",
    )
    concurrency: IntProperty(
        name="Requests at Once",
        description="How many requests run at the same time",
        default=DEFAULT_CONCURRENCY,
        min=1,
        max=16,
    )
    default_target: EnumProperty(
        name="Default Target",
        description="What a new file's panel makes of the image",
        items=enum_items.TARGETS,
        default=PARAMETERS["target"].default,
    )
    default_quality: EnumProperty(
        name="Default Quality",
        description="Quality that a new file's panel begins with",
        items=QUALITIES,
        default=new_file.initial("quality"),
    )
    default_provider: EnumProperty(
        name="Default Provider",
        description="Provider that a new file's panel begins with",
        items=enum_items.PROVIDERS,
    )
    default_model: StringProperty(
        name="Default Model",
        description="Model of requests that name none; the grey one when empty",
        search=_models,
        search_options={"SUGGESTION"},
        update=_on_change,
    )
    default_size: EnumProperty(
        name="Default Size",
        description="Size of the panel's requests that do not choose another",
        items=enum_items.FIXED_SIZES,
        default=DEFAULT_SIZE,
        update=_on_change,
    )
    default_width: IntProperty(
        name="Default Width", description="Pixels", default=1024, min=16, max=8192, step=16, update=_on_change
    )
    default_height: IntProperty(
        name="Default Height",
        description="Pixels",
        default=1024,
        min=16,
        max=8192,
        step=16,
        update=_on_change,
    )
    textures_dir: StringProperty(
        name="Copies",
        description="Folder that gets copies of images and maps, where the panel names no other",
        subtype="DIR_PATH",
    )
    proxy: StringProperty(
        name="Proxy",
        description="Address such as http://proxy:8080, without a password; "
        "HTTPS_PROXY and HTTP_PROXY hold when empty",
        update=_on_change,
    )
    turn_views: BoolProperty(
        name="Turn Solid Views",
        description="Turn Solid 3D views to Material Preview when a result comes onto an object in them",
        default=False,
    )
    show_first: BoolProperty(
        name="Show First Material",
        description="Turn Solid 3D views to Material Preview when the first result comes onto an object, "
        "in a file in which no material shows an image yet; later results leave the views as they are",
        default=True,
    )
    storage: EnumProperty(name="Images", description="Where the images of a .blend are kept", items=STORAGE)
    asset_library: StringProperty(
        name="Asset Library",
        description="Library that Mark as Asset writes materials into; this file when empty",
        search=_libraries,
    )
    use_keychain: BoolProperty(
        name="Keep the Key in the System's Keychain",
        description="Instead of a file that only you can read",
    )
    log_level: EnumProperty(
        name="Log Level",
        description="What is logged; never a key or a prompt",
        items=LOG_LEVELS,
        default="WARNING",
        update=_on_change,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        missing = requirements.missing_modules()
        if missing:
            layout.label(text=translate(missing), icon="ERROR", translate=False)
        layout.label(text="The panel is in the 3D View: Sidebar (N) › GPT Image", icon="INFO")
        _draw_key(layout, self)
        _draw_online_access(layout)
        for title, names in SECTIONS:
            header, body = layout.panel(f"GPT_IMAGE_preferences_{names[0]}", default_closed=True)
            header.label(text=title)
            if body:
                _draw_section(body, self, names)
                MORE.get(title, _draw_nothing)(body)


def _property_of(setting: ProviderSetting) -> Any:
    texts = {"name": setting.label, "description": setting.description, "update": _on_change}
    if setting.choices:
        return EnumProperty(items=setting.choices, default=setting.default, **texts)
    return StringProperty(default=setting.default, **texts)


GPT_IMAGE_AP_preferences.__annotations__.update(
    (setting.name, _property_of(setting)) for setting in list_settings()
)


def _draw_key(layout: Any, values: Any) -> None:
    """Each button stays at its place, whether there is a key or none: one click follows another here."""
    box = layout.box()
    box.label(text=KEY_TEXTS[settings.key_source()], icon="KEYINGSET" if settings.has_key() else "INFO")
    row = box.row()
    row.operator(keys.GPT_IMAGE_OT_paste_key.bl_idname, icon="PASTEDOWN")
    row.operator(keys.GPT_IMAGE_OT_test_connection.bl_idname, icon="URL").provider = DEFAULT_PROVIDER
    row = box.row()
    page = row.operator("wm.url_open", text="Get a Key", icon="URL")
    page.url = PROVIDERS[DEFAULT_PROVIDER].key_url
    row.operator(keys.GPT_IMAGE_OT_forget_key.bl_idname, icon="TRASH")
    if keys.keychain_is_offered():
        box.prop(values, "use_keychain")
    _draw_outcome(box, DEFAULT_PROVIDER)


def _draw_own_key(provider: str, layout: Any) -> None:
    """The key of a provider that has one of its own."""
    info, source = PROVIDERS[provider], settings.key_source_of(provider)
    text = message(OWN_KEY_TEXTS[source], account=info.key_label, variable=info.own_key)
    icon = "KEYINGSET" if source else "INFO"
    layout.label(text=translate(text), icon=icon, translate=False)
    row = layout.row()
    row.operator(keys.GPT_IMAGE_OT_paste_key.bl_idname, icon="PASTEDOWN").provider = provider
    row.operator(keys.GPT_IMAGE_OT_forget_key.bl_idname, icon="TRASH").provider = provider
    layout.operator("wm.url_open", text="Get a Key", icon="URL").url = info.key_url


def _draw_outcome(layout: Any, provider: str) -> None:
    """What came of the last test of a server; what went wrong in red."""
    tested = connection_test.outcome(provider)
    if tested.text:
        column = layout.column()
        column.alert = tested.icon == "ERROR"
        draw_sentence(column, translate(tested.text), tested.icon, LINE, dim=False)


def _draw_test(layout: Any, provider: str) -> None:
    layout.operator(keys.GPT_IMAGE_OT_test_connection.bl_idname, icon="URL").provider = provider
    _draw_outcome(layout, provider)


def _draw_section(layout: Any, values: Any, names: tuple[str, ...]) -> None:
    for name in names:
        if name in CUSTOM_NAMES and values.default_size != enum_items.CUSTOM_SIZE:
            continue
        variable = OVERRIDDEN_BY.get(name, "")
        layout.prop(values, name, **({"placeholder": _usual_model()} if name == "default_model" else {}))
        if name in WITHOUT_KEY:
            _draw_test(layout, WITHOUT_KEY[name])
        if variable and os.environ.get(variable):
            text = translate(message("{variable} is set and takes precedence.", variable=variable))
            layout.label(text=text, icon="INFO", translate=False)


def _usual_model() -> str:
    return models.usual_model(DEFAULT_PROVIDER)


def _draw_folder(layout: Any) -> None:
    """Where everything is kept, what it takes, and how to make it less."""
    folder = str(settings.load(with_key=False).state_folder)
    box = layout.box()
    box.label(text="Everything that was made is kept in:", icon="FILE_FOLDER")
    box.label(text=folder, translate=False)
    taken = disk_usage.text(folder)
    if taken:
        box.label(text=translate(taken), translate=False)
    row = box.row()
    row.operator(operators_history.GPT_IMAGE_OT_open_folder.bl_idname)
    row.operator(operators_history.GPT_IMAGE_OT_clean_results.bl_idname, icon="TRASH")


def _draw_styles(layout: Any) -> None:
    """Styles of the user's own."""
    row = layout.row()
    row.operator(style_operators.GPT_IMAGE_OT_import_styles.bl_idname, icon="IMPORT")
    row.operator(style_operators.GPT_IMAGE_OT_export_styles.bl_idname, icon="EXPORT")


def _draw_nothing(layout: Any) -> None:
    pass


MORE: Mapping[str, Callable[[Any], None]] = {
    "New Requests": _draw_styles,
    "Results": _draw_folder,
    **{info.label: partial(_draw_own_key, name) for name, info in PROVIDERS.items() if info.own_key},
}
"""What stands below the properties of a section."""


def _draw_online_access(layout: Any) -> None:
    """The row stays when it is allowed: nothing else may come under the mouse."""
    if settings.stays_here():
        return
    row = layout.box().row()
    if bpy.app.online_access:
        row.label(text="Blender may go online.", icon="INTERNET")
        return
    row.label(text="Blender's online access is off.", icon="INTERNET_OFFLINE")
    row.operator(keys.GPT_IMAGE_OT_allow_online_access.bl_idname, icon="CHECKMARK")
