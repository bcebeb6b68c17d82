"""Material slots: giving an object a material without changing what other objects look like."""

from __future__ import annotations

from typing import Any

import bpy

from .changes import Changes


def assign(obj: bpy.types.Object, material: bpy.types.Material, changes: Changes) -> None:
    """Put a material into the object's active slot, made where there is none.

    A mesh that other objects use too keeps its own materials: the slot then belongs to the object.
    """
    shared = _real_users(obj.data) > 1
    if not obj.material_slots:
        obj.data.materials.append(None)
        changes.on_failure(obj.data.materials.clear)  # `pop` leaves the object its slot
    index = obj.active_material_index
    if shared:
        changes.set(_Slot(obj, index), "link", "OBJECT")
    changes.set(_Slot(obj, index), "material", material)


class _Slot:
    """A slot by object and index: Blender may move its slots in memory when their number changes."""

    def __init__(self, obj: bpy.types.Object, index: int) -> None:
        self.__dict__["find"] = lambda: obj.material_slots[index]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.find(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.find(), name, value)


def other_users(obj: bpy.types.Object, material: bpy.types.Material) -> list[str]:
    """Names of what else shows the material of this object: objects, or node groups that set it."""
    if _real_users(material) <= 1 and _real_users(obj.data) <= 1:
        return []
    users = bpy.data.user_map(subset={material})[material] - {obj, material}
    carriers = {user for user in users if hasattr(user, "materials")}
    users -= carriers
    for owners in bpy.data.user_map(subset=carriers).values() if carriers else ():
        users |= {owner for owner in owners if isinstance(owner, bpy.types.Object)}
    return sorted(user.name for user in users - {obj})


def names_for_people(names: list[str], most: int = 3) -> str:
    """'A', 'B' and 2 more."""
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _real_users(block: bpy.types.ID) -> int:
    return int(block.users) - int(block.use_fake_user)
