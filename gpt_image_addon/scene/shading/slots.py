"""Material slots: giving an object a material without changing what other objects look like."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.text.message import message
from ..context import view_layer_of
from ..evaluated import evaluated
from ..transaction import Transaction
from .uv import material_indices

LAST_SLOT = 32766  # Blender has no more; a file may say anything


def assign(obj: bpy.types.Object, material: bpy.types.Material, changes: Transaction) -> None:
    """Put a material into the object's active slot, made where there is none.

    In Edit Mode it goes onto the faces that are selected, where some are. A mesh that other objects use too
    keeps its own materials: the slot then belongs to the object.
    """
    if has_selected_faces(obj):
        _assign_to_faces(obj, material, changes)
        return
    shared = _real_users(obj.data) > 1
    if not obj.material_slots:
        obj.data.materials.append(None)
        changes.on_failure(obj.data.materials.clear)  # `pop` leaves the object its slot
    index = obj.active_material_index
    if shared:
        changes.set(_Slot(obj, index), "link", "OBJECT")
    changes.set(_Slot(obj, index), "material", material)


def has_selected_faces(obj: bpy.types.Object) -> bool:
    """Whether the object is in Edit Mode and some of its faces are selected."""
    if obj.type != "MESH" or obj.mode != "EDIT":
        return False
    obj.update_from_editmode()
    return bool(obj.data.total_face_sel)


def _assign_to_faces(obj: bpy.types.Object, material: bpy.types.Material, changes: Transaction) -> None:
    """A slot of its own for the material, and the selected faces in it."""
    mesh = obj.data
    if not mesh.materials:  # the other faces keep their look
        mesh.materials.append(None)
        changes.on_failure(mesh.materials.clear)
    index = len(mesh.materials)
    mesh.materials.append(material)
    changes.on_failure(lambda: mesh.materials.pop(index=index))
    changes.set(obj, "active_material_index", index)
    _set_faces(mesh, index, changes)
    obj.update_from_editmode()


def _set_faces(mesh: bpy.types.Mesh, index: int, changes: Transaction) -> None:
    import bmesh

    edited = bmesh.from_edit_mesh(mesh)
    before = [(face.index, face.material_index) for face in edited.faces if face.select]

    def undo() -> None:
        again = bmesh.from_edit_mesh(mesh)
        again.faces.ensure_lookup_table()
        for number, slot in before:
            again.faces[number].material_index = slot
        bmesh.update_edit_mesh(mesh, loop_triangles=False, destructive=False)

    changes.on_failure(undo)
    for face in edited.faces:
        if face.select:
            face.material_index = index
    bmesh.update_edit_mesh(mesh, loop_triangles=False, destructive=False)


def why_unseen(obj: bpy.types.Object, material: bpy.types.Material) -> str | None:
    """One sentence why the object doesn't show a material that was just put on it, or None."""
    layers = [view_layer_of(scene) for scene in obj.users_scene]
    if layers and all(layer.material_override for layer in layers):
        override = layers[0].material_override
        return message(
            "The view layer '{layer}' shows '{override}' on everything: '{material}' doesn't show.",
            layer=layers[0].name,
            override=override.name,
            material=material.name,
        )
    by_nodes = any(modifier.type == "NODES" for modifier in obj.modifiers)
    if obj.type != "MESH" and not by_nodes:
        return None
    shown = (evaluated(obj) if by_nodes else None) or obj
    mesh = shown.data if isinstance(shown.data, bpy.types.Mesh) else None
    if mesh is not None and mesh.polygons:
        if any(_material_at(shown, mesh, index) == material for index in _find_used_slots(mesh)):
            return None
        if by_nodes:
            return message(
                "Geometry nodes set the material of '{obj}': '{material}' doesn't show.",
                obj=obj.name,
                material=material.name,
            )
        number = obj.active_material_index + 1
        return message(
            "No face of '{obj}' uses its material slot {number}: '{material}' doesn't show yet.",
            obj=obj.name,
            number=number,
            material=material.name,
        )
    if by_nodes:
        return message(
            "Geometry nodes make '{obj}' and choose its materials: '{material}' may not show.",
            obj=obj.name,
            material=material.name,
        )
    return None


def _find_used_slots(mesh: bpy.types.Mesh) -> list[int]:
    import numpy as np

    # np.unique would do, but its first call loads numpy.ma: 20 ms of a tick
    indices = np.clip(material_indices(mesh), 0, LAST_SLOT)
    return [int(index) for index in np.flatnonzero(np.bincount(indices))]


def _material_at(shown: bpy.types.Object, mesh: bpy.types.Mesh, index: int) -> bpy.types.Material | None:
    """The original of the material that faces with an index show; one past the end means the last slot."""
    index = min(max(index, 0), max(len(shown.material_slots), len(mesh.materials)) - 1)
    material = None
    if 0 <= index < len(shown.material_slots) and shown.material_slots[index].link == "OBJECT":
        material = shown.material_slots[index].material
    elif 0 <= index < len(mesh.materials):
        material = mesh.materials[index]
    return material.original if material else None


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
