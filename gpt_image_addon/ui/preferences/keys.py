"""Operators for the key and the connection."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ...app import settings
from ...core.common import credentials, keychain
from ...core.common.package import PACKAGE
from ...core.request.providers import DEFAULT_PROVIDER, PROVIDERS
from ..common import sidebar
from ..common.operator import CANCELLED, FINISHED, Returned, ask, draw_question, reporting
from ..common.translate import translate
from ..request import quote
from . import connection_test

PLACES = (
    ("file", "Private File", "A file that only you can read"),
    ("keychain", "System Keychain", "The keychain of the operating system"),
)
STORED = ("file", "keychain")
"""Sources of a key that the add-on keeps."""


class GPT_IMAGE_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences, where the key is entered"""

    bl_idname = "gpt_image.open_preferences"
    bl_label = "Connect to OpenAI..."
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return FINISHED


def show_everywhere() -> None:
    """Let every panel know at once that there is another key, or none, or that Blender may go online."""
    quote.forget()
    sidebar.redraw()


class GPT_IMAGE_OT_paste_key(bpy.types.Operator):
    """Take the key from the clipboard and keep it where only you can read it"""

    bl_idname = "gpt_image.paste_key"
    bl_label = "Paste Key from Clipboard"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    place: EnumProperty(name="Keep It In", description="Where the key is kept", items=PLACES)
    provider: StringProperty(
        name="Provider", description="Whose key it is", default=DEFAULT_PROVIDER, options={"HIDDEN"}
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        key = credentials.check_key(context.window_manager.clipboard)
        if not key.value:
            self.report({"ERROR"}, translate("The clipboard holds no key."))
            return CANCELLED
        settings.store_key_of(self.provider, key.value, self._place())
        context.window_manager.clipboard = ""  # nothing else should paste it
        show_everywhere()
        self.report({"INFO"}, " ".join(filter(None, (translate("The key is stored."), translate(key.note)))))
        return FINISHED

    def _place(self) -> str:
        """The one that was given, else that of the preferences."""
        if self.properties.is_property_set("place"):
            return str(self.place)
        wanted = getattr(settings.preferences(), "use_keychain", False)
        return "keychain" if wanted and keychain_is_offered() else "file"


class GPT_IMAGE_OT_forget_key(bpy.types.Operator):
    """Delete the stored key from this computer"""

    bl_idname = "gpt_image.forget_key"
    bl_label = "Forget Key"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    provider: StringProperty(
        name="Provider", description="Whose key it is", default=DEFAULT_PROVIDER, options={"HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(source in STORED for source in settings.list_key_sources()):
            cls.poll_message_set("No key is stored.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return ask(self, context, "Forget Key")

    def draw(self, context: bpy.types.Context) -> None:
        draw_question(self.layout, "It is deleted from this computer; at the provider it stays valid.")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        settings.store_key_of(self.provider, "")
        show_everywhere()
        return FINISHED


class GPT_IMAGE_OT_test_connection(bpy.types.Operator):
    """Ask the server for its models; this costs nothing"""

    bl_idname = "gpt_image.test_connection"
    bl_label = "Test Connection"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    provider: StringProperty(
        name="Provider", description="Whose server is asked", default=DEFAULT_PROVIDER, options={"HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        is_open = any(info.address and not info.needs_key for info in PROVIDERS.values())
        if not is_open and not settings.has_key():
            cls.poll_message_set("There is no key yet.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        connection_test.test(self.provider)
        return FINISHED


class GPT_IMAGE_OT_allow_online_access(bpy.types.Operator):
    """Let Blender and its add-ons reach the internet, as in Preferences > System > Network"""

    bl_idname = "gpt_image.allow_online_access"
    bl_label = "Allow Online Access"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if bpy.app.online_access_override and not bpy.app.online_access:
            cls.poll_message_set("Blender was started with --offline-mode: start it without.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Returned:
        context.preferences.system.use_online_access = True
        show_everywhere()
        return FINISHED


class GPT_IMAGE_OT_show_online_access(bpy.types.Operator):
    """Open Blender's own setting for online access: Preferences > System > Network"""

    bl_idname = "gpt_image.show_online_access"
    bl_label = "Allow Online Access..."
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        bpy.ops.screen.userpref_show(section="SYSTEM")
        return FINISHED


def keychain_is_offered() -> bool:
    """Whether the preferences offer the system's keychain."""
    return keychain.is_available()


CLASSES = (
    GPT_IMAGE_OT_open_preferences,
    GPT_IMAGE_OT_paste_key,
    GPT_IMAGE_OT_forget_key,
    GPT_IMAGE_OT_test_connection,
    GPT_IMAGE_OT_allow_online_access,
    GPT_IMAGE_OT_show_online_access,
)
