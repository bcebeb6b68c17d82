"""JSON Schemas of arguments that several tools share. Knows no Blender."""

from __future__ import annotations

from ..core.request.parameters import PARAMETERS, STRENGTHS
from . import schemas
from .protocol import JsonObject

HISTORY_LIMIT = 20
MOST_HISTORY = 100
SENT = ("provider", "model", "size", "quality", "references", "reference_kinds", "reference_labels", "style")
"""Parameters of a request that paints objects, beside those of what is painted."""

LIMIT: JsonObject = {"type": "integer", "minimum": 1, "maximum": MOST_HISTORY, "default": HISTORY_LIMIT}
JOB = schemas.text("Id of the job", 100)
OUTPUT = schemas.text("Save a copy of the scene as this new .blend, below a folder that the user named")
PICTURE = schemas.text("Path of an image, or name of an image in the .blend")
TARGET = {**schemas.property_of(PARAMETERS["target"]), "description": "What to make of it"}
TARGET.pop("default")
MONEY: JsonObject = {
    "max_cost_usd": {
        "type": "number",
        "minimum": 0,
        "description": "Send nothing that could cost more; the user's own limits hold beside it",
    },
    "idempotency_key": schemas.text(
        "Your name for this one request: with the same key it is never paid twice", 200
    ),
    "reuse": {
        "type": "boolean",
        "default": True,
        "description": "Take the stored result of an equal request, unpaid; false makes another one",
    },
    "retry_unknown": {
        "type": "boolean",
        "default": False,
        "description": "Send again what may have been billed; only where the user can be asked",
    },
    "output": OUTPUT,
}
PLAN = schemas.request_properties(left_out=("textures_dir", "export_to", "export_dir"))
REQUEST = schemas.request_properties()
MAPS = {
    name: schemas.property_of(PARAMETERS[name])
    for name in ("maps", "convention", "relief", "texture_size", *STRENGTHS, "bits", "pack")
}
TEXTURE: JsonObject = {
    "prompt": REQUEST["prompt"],
    "objects": {**schemas.property_of(PARAMETERS["objects"]), "description": "Names of the objects to paint"},
    **{
        name: schemas.property_of(row)
        for name, row in PARAMETERS.items()
        if row.of_model and name not in ("objects", "image_size")
    },
    "texture_size": schemas.property_of(PARAMETERS["image_size"]),
    **{name: schemas.property_of(PARAMETERS[name]) for name in SENT},
}
