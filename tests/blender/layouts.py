"""A layout that background Blender does not have: it checks what a draw function asks of it."""

from __future__ import annotations

from typing import Any

import bpy

ICONS = frozenset(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


class Layout:
    """Stands for a `UILayout`: refuses properties, operators, menus and icons that there are none of."""

    def __init__(self, root: Layout | None = None, *, opened: bool = True) -> None:
        self.root = root or self
        self.opened = opened
        self.said: list[str] = [] if root is None else root.said
        self.operators: list[str] = [] if root is None else root.operators
        self.pointers: dict[str, Any] = {} if root is None else root.pointers
        self.enums: list[tuple[str, bool]] = [] if root is None else root.enums
        """Values of enum properties that are offered, and whether they can be chosen."""
        self.enabled = True

    def _part(self, *_: Any, **__: Any) -> Layout:
        return Layout(self.root, opened=self.opened)

    row = column = box = grid_flow = split = _part

    def panel(self, idname: str, default_closed: bool = False) -> tuple[Layout, Layout | None]:
        return self._part(), self._part() if self.opened else None

    def panel_prop(self, data: Any, name: str) -> tuple[Layout, Layout | None]:
        assert isinstance(getattr(data, name), bool)
        return self._part(), self._part() if self.opened or getattr(data, name) else None

    def separator(self, **_: Any) -> None:
        return None

    def _check(self, icon: str, text: Any) -> None:
        assert icon in ICONS, icon
        assert isinstance(text, str)

    def label(self, text: str = "", icon: str = "NONE", **_: Any) -> None:
        self._check(icon, text)
        self.said.append(text)

    def progress(self, text: str = "", factor: float = 0.0, **_: Any) -> None:
        assert 0 <= factor <= 1
        self.said.append(text)

    def prop(self, data: Any, name: str, text: str | None = None, icon: str = "NONE", **_: Any) -> None:
        assert name in data.bl_rna.properties, name
        self._check(icon, text or "")
        self.said.append(data.bl_rna.properties[name].name)

    textbox = prop

    def prop_enum(self, data: Any, name: str, value: str, **options: Any) -> None:
        assert bpy.types.UILayout.enum_item_name(data, name, value), value  # items of a callback, too
        self.root.enums.append((value, self.enabled))
        self.prop(data, name, **options)

    def operator(self, idname: str, text: str = "", icon: str = "NONE", **_: Any) -> Any:
        group, name = idname.split(".")
        assert name in dir(getattr(bpy.ops, group)), idname
        self._check(icon, text)
        self.operators.append(idname)
        self.said.append(text)
        return Properties(getattr(getattr(bpy.ops, group), name).get_rna_type())

    def template_popup_confirm(self, idname: str, cancel_text: str | None = None, **options: Any) -> Any:
        options.pop("cancel_default", None)
        return self.operator(idname, **options)

    def operator_menu_enum(self, idname: str, name: str, **options: Any) -> None:
        setattr(self.operator(idname, **options), name, "")

    def menu(self, name: str, icon: str = "NONE", **_: Any) -> None:
        assert hasattr(bpy.types, name), name
        self._check(icon, "")

    def popover(self, panel: str, text: str = "", icon: str = "NONE", **_: Any) -> None:
        self.menu(panel, icon)
        self.said.append(text)

    def template_icon(self, icon_value: int, scale: float = 1.0) -> None:
        assert icon_value

    def template_ID(self, data: Any, name: str, **_: Any) -> None:  # noqa: N802 - Blender's name
        self.prop(data, name)

    def template_list(
        self, cls: str, _: str, data: Any, name: str, active: Any, index: str, **__: Any
    ) -> None:
        assert hasattr(bpy.types, cls), cls
        self.prop(data, name)
        self.prop(active, index)
        drawn = getattr(bpy.types, cls)
        for item in getattr(data, name):
            drawn.draw_item(None, bpy.context, self._part(), data, item, 0, active, index)

    def enum_item_icon(self, data: Any, name: str, item: str) -> int:
        return 1

    def enum_item_name(self, data: Any, name: str, item: str) -> str:
        return str(data.bl_rna.properties[name].enum_items[item].name)

    def context_pointer_set(self, name: str, data: Any) -> None:
        self.pointers[name] = data

    context_string_set = context_pointer_set


class Properties:
    """Stands for the properties of a button's operator."""

    def __init__(self, rna: Any) -> None:
        self.__dict__["rna"] = rna

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.__dict__["rna"].properties, name


def draw(cls: type, data: Any = None, context: Any = None) -> Layout:
    """Call a draw function as Blender would."""
    layout = Layout()

    class Shown:
        """What `self` is while drawing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(data, name)

    shown = Shown()
    shown.layout = layout  # type: ignore[attr-defined]
    shown.bl_rna = getattr(data, "bl_rna", None)  # type: ignore[attr-defined]
    cls.draw(shown, context or bpy.context)  # type: ignore[attr-defined]
    return layout
