"""What help and the documentation say beside the flags: examples, exit codes, variables and JSON keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.errors import ExitCode
from ..core.request.providers import DEFAULT_PROVIDER, PROVIDERS, list_settings
from ..core.request.targets import TARGETS
from ..core.text.message import one_of

CALL = "blender -c gpt_image"

EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.INTERNAL: "internal error, or a file could not be read or written",
    ExitCode.USAGE: "usage: the command line can't be understood",
    ExitCode.CONFIGURATION: "configuration: no key, key refused, organisation not verified, no online access",
    ExitCode.REFUSED: "request refused, here or there: bad size, model or reference; moderation",
    ExitCode.QUOTA: "quota or budget: nothing more may be spent",
    ExitCode.TEMPORARY: "temporary or unusable response: retries used up, connection lost, unreadable answer",
    ExitCode.ROWS_FAILED: "some rows of a batch failed or got no answer",
    ExitCode.INTERRUPTED: "interrupted, with Ctrl-C or by a signal",
}

ENVIRONMENT: Mapping[str, str] = {
    "OPENAI_API_KEY": "the key; it takes precedence over the one stored in the preferences",
    **{
        info.own_key: f"the key of a {info.key_label}; it takes precedence over the stored one"
        for info in PROVIDERS.values()
        if info.own_key
    },
    "GPT_IMAGE_PROVIDER": f"provider where none is named; {DEFAULT_PROVIDER} without it",
    "GPT_IMAGE_DATA_DIR": "the state folder: the journal and every result as it was received",
    "GPT_IMAGE_MONTHLY_BUDGET_USD": "nothing is sent that could exceed this in a month",
    "GPT_IMAGE_AGENT_MAX_COST_USD": "above this an agent has to ask you before it pays, or is refused",
    "GPT_IMAGE_MAX_COST_USD": "nothing is sent that could cost more; in background 1.00 where nothing is set",
    **{setting.variable: setting.variable_help for setting in list_settings() if setting.variable},
}

EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "generate": (
        ('"weathered oak planks" --provider offline --target material --output oak.blend', "no key, no cost"),
        ('"red brick wall" --seamless --dry-run', "the price and the words that would be sent"),
        (
            '"dunes at noon" --provider offline --target world --output dunes.blend',
            "a sky that lights the scene",
        ),
        ('"mossy stone wall" --seamless --target material --textures-dir textures --json', "for a pipeline"),
    ),
    "estimate": (('"red brick wall" --size 2048x2048 --quality high --json', "what that costs"),),
    "maps": (("wall.png --output-dir maps --seamless", "maps of an image that you have"),),
    "export": (
        ("'Red Brick' --engine unity --output-dir Assets/Materials", "what Unity opens"),
        ("--job JOB --engine godot --output-dir materials", "of a stored result, without the .blend"),
        ("--object Statue --engine gltf --output-dir models", "an object; what nodes make is baked first"),
    ),
    "curves": (("logo.svg --drawing-size 2 --extrude 0.1 --output logo.blend", "a logo, 2 m wide"),),
    "sprite": (
        ("walk_1.png walk_2.png walk_3.png walk_4.png --sprite-fps 6 --output walk.blend", "four frames"),
        ("flame.gif --output-dir game", "with the sheet and its table for an engine"),
    ),
    "decal": (
        ("Sign --at=1,0.2,0.3 --output crate.blend", "in another place of the open scene"),
        ("Sign --bake --output crate.blend", "as paint in the texture below it"),
    ),
    "tile": (("wall.png wall_tile.png --json", "a seamless tile, and how good it is"),),
    "upscale": (
        ("wall.png wall_4k.png --dry-run", "how many requests, and what they would cost"),
        (
            "wall.png wall_4k.png --prompt 'red brick wall' --quality medium --max-cost 0.50",
            "2 times its size",
        ),
        ("wall.png wall_8k.png --scale 4 --local", "a resample: no key, no cost"),
    ),
    "material": (
        ("wall.jpg --length 2.4 --output wall.blend", "a photo that shows nothing else, 2.4 m wide"),
        (
            "floor.jpg --corners 812,640 3020,655 3610,2700 240,2660 --length 1.2 --object Floor",
            "four corners that are 1.2 m apart at the top",
        ),
    ),
    "texture": (
        ('"weathered copper" --objects Statue --dry-run', "the price, and the views"),
        ('"weathered copper" --objects Statue --max-cost 0.20 --output painted.blend', "one request"),
        (
            '"weathered copper" --objects Statue --views auto --in-sequence --max-cost 0.60 --output a.blend',
            "one side after another, each in a request that sees what is painted so far",
        ),
        ("--again JOB --feather 16 --output painted.blend", "the same answer, blended softer: no cost"),
    ),
    "bake": (
        ("--objects Statue --size 4096 --output-dir textures", "the base color and its maps, 4096 x 4096"),
        ("--objects Statue --format exr", "linear colors with 16 bits"),
    ),
    "extend": (
        ("facade.png wide.png --side right 512 --dry-run", "the price, and what would be sent"),
        ("facade.png wide.png --aspect 16:9 --max-cost 0.50", "as wide as that, the image in the middle"),
        ('photo.png taller.png --side top 300 --prompt "clear evening sky"', "what the new part shows"),
    ),
    "cutout": (
        ("chair.jpg chair.png --dry-run", "the price"),
        ('chair.jpg chair.png --subject "the wooden chair" --max-cost 0.20', "one request"),
    ),
    "batch": (
        ("materials.jsonl --provider offline --dry-run", "a table of the rows and the price of all"),
        ("materials.jsonl --provider offline", "make them; again: only what is missing"),
        ("woods.csv --prompt '{age} {wood} planks' --asset-library woods.blend", "a library of materials"),
        ("materials.jsonl --via batch-api", "at half price, within a day; then with --collect"),
        ("materials.jsonl --farm openjd bundle", "a job for a render farm"),
    ),
    "history": (
        ("--limit 10", "the newest ten"),
        ("--month 2026-11 --json", "one month, for a script"),
        ("--clean-older-than 90 --dry-run", "what deleting old files would free"),
    ),
    "recover": (
        ("", "what was paid for and is in no scene"),
        ("--all --output recovered.blend", "put all of it into a file"),
    ),
    "models": (("--json", "sizes, qualities and shutdown dates"),),
    "styles": (("", "what each is for"),),
    "workflows": (
        ("flux.json --keep flux", "keep a workflow by a name"),
        ("flux --json", "what goes where in it, and what can be set"),
        ("flux --place 'prompt=Positive.text' --keep flux", "another place for the prompt, kept as well"),
    ),
    "mcp": (
        ("--allow-dir textures", "what an agent's client starts"),
        ("--to-window room.blend", "the same for an agent that works in a window"),
    ),
    "doctor": (
        ("", "what is wrong here"),
        ("--report report.zip", "the same for a bug report, without key, prompts and paths"),
    ),
}
"""Arguments and what they do, by verb."""

RESULT_KEYS: Mapping[str, str] = {
    "job": "id of the job in `history`",
    "provider": one_of(f"`{name}`" for name in PROVIDERS),
    "model": "the model that answered",
    "request_id": "the server's id of the request; null offline",
    "images": "the images, see below",
    "maps": "path of each material map, by kind",
    "material": "name of the material data-block, or null",
    "object": "name of the object data-block, or null; of several the first",
    "objects": "names of all objects that got it, or were made",
    "exported": "path of each file written for `--export-to`",
    "world": "of a world its sun and light, see below; else null",
    "usage": "tokens as the server counted them; null where it did not say",
    "estimated_usd": "upper bound before sending; this much was reserved",
    "cost_usd": "what it cost",
    "blend": "the file written by `--output`, or null",
    "warnings": "sentences worth reading",
}
"""Of what becomes of a request."""

KEYS: Mapping[str, Mapping[str, str]] = {
    "generate": RESULT_KEYS,
    "estimate": {
        "request": "the request as it would be sent, without what is left at its default",
        "prompt": "the words that would be sent",
        "estimated_usd": "the same as `high_usd`",
        "low_usd": "lower bound",
        "likely_usd": "what equal requests have cost, or the best guess",
        "high_usd": "upper bound; this much would be reserved",
        "exact": "whether the price is known and not estimated",
        "warnings": "sentences worth reading",
    },
    "history": {
        "month": "month of the sums, `yyyy-mm`",
        "spent_usd": "spent in that month, unrounded",
        "reserved_usd": "reserved for what runs, or whose outcome is unknown",
        "results_bytes": "size of all stored results",
        "jobs": "the jobs, newest first, see below",
        "unreadable": "ids of jobs whose rows in the journal can't be read",
        "merged": "after `--merge`: `added`, `updated`, `copied_bytes`, and `refused`: ids of rows left out",
        "cleaned": "after `--clean-older-than`: `dry_run`, `freed_bytes`, `jobs`",
    },
    "recover": {
        "jobs": "without a job: results that wait",
        "unknown": "without a job: requests that got no answer and may have been billed",
        "unreadable": "without a job: ids of jobs whose rows in the journal can't be read",
        "recovered": "what was put into the scene, or exported",
        "failed": "jobs that could not be recovered, each with its `error`",
        "blend": "the file written by `--output`, or null",
    },
    "models": {"models": "the rows of the model table"},
    "styles": {"styles": "each with `name`, `label`, `words`, `group` and `tip`"},
    "workflows": {
        "workflows": "those that are kept: file by name",
        "workflow": "of the one that was named: `places`, the input of each role; `inputs`, each with `key`, "
        "`kind`, `value`, `choices`, `least`, `most`, `is_image` and `role`; `problem`; and `is_asked`, "
        "whether the server said so; null where none was named",
    },
    "mcp": {"calls": "how many calls were answered; on stderr, as stdout belongs to the protocol"},
    "doctor": {
        "checks": "each with `name`, `ok` and `text`",
        "report": "the file written by `--report`, or null",
    },
    "maps": {
        "maps": "path of each map by kind, and of packed maps by the name of their layout",
        "material_guess": "what the description was taken for, and what follows from it",
        "warnings": "sentences worth reading",
        "scores": "with `--seamless`: how good the tile is, as of `tile`",
        "unchanged": "with `--seamless`: the image tiled already",
    },
    "export": {
        "engine": "for which it was written",
        "output_dir": "the folder",
        "materials": "paths of the files, by the name of each material's folder",
        "objects": "with `--object`: paths of the files, by the name of each object's folder",
        "manifest": "the file that says what lies where, of earlier exports, too",
        "warnings": "sentences worth reading",
    },
    "curves": {
        "file": "the drawing",
        "object": "name of the empty that all curves hang on",
        "objects": "names of the empty and of all curves",
        "materials": "names of the materials, one a color",
        "warnings": "sentences worth reading, such as what is not drawn",
        "blend": "path of the saved scene, or null",
    },
    "sprite": {
        "object": "name of the plane",
        "material": "name of its material",
        "image": "name of the image with all frames",
        "frames": "how many there are",
        "durations_ms": "how long each is shown",
        "files": "with `--output-dir`: paths of the `sheet` and of its table (`json`)",
        "warnings": "sentences worth reading",
        "blend": "path of the saved scene, or null",
    },
    "decal": {
        "object": "name of the decal",
        "images": "names of the images that were painted, or that are back",
        "warnings": "sentences worth reading, such as that other faces show it, too",
        "blend": "path of the saved scene, or null",
    },
    "material": {
        "material": "name of the material data-block",
        "object": "name of the object that got it, or null; of several the first",
        "objects": "names of all objects that got it",
        "maps": "with `--output-dir`: path of each map by kind, and of packed maps by their layout",
        "corners": "of the marked area, in pixels of the photo",
        "aspect": "width over height of the marked area",
        "width": "pixels of each map",
        "height": "pixels",
        "metres": "what the width of the maps spans, or null without `--length`",
        "material_guess": "what the description was taken for, and what follows from it",
        "scores": "how good the tile is, as of `tile`; null with `--no-seamless`",
        "blend": "the file written by `--output`, or null",
        "warnings": "sentences worth reading",
    },
    "bake": {
        "files": "by the name of the object, the path of each map by kind; of a UDIM image of each tile, "
        "by kind and number (`base_color.1001`)",
        "udim": "by the name of the object, the path of each UDIM image by kind, with `<UDIM>` for numbers",
        "warnings": "sentences worth reading",
    },
    "upscale": {
        "file": "the upscaled image",
        "width": "its pixels",
        "height": "its pixels",
        "scale": "times the size of the image",
        "requests": "parts that were answered, in all passes; 0 with `--local`",
        "resampled": "parts of them that are only resampled: their answers were no sharper or did not match",
        "jobs": "their jobs in the journal",
        "estimated_usd": "upper bound of what was not stored yet",
        "cost_usd": "what was paid this time; stored answers are free",
        "warnings": "what one should know, such as which parts are only resampled",
    },
    "tile": {
        "file": "the tile",
        "width": "pixels",
        "height": "pixels",
        "scores": "`seam_ratio`, `seam_percentile`, `band_sharpness`, `coherence` and `good`",
        "unchanged": "the image tiled already",
        "repaired": "with `--repair-seams`: the model repainted the seams; otherwise the cut was kept",
        "job": "with `--repair-seams`: the job of the repair, or null where none was needed",
        "estimated_usd": "with `--repair-seams`: the upper bound that was reserved",
        "cost_usd": "with `--repair-seams`: what the repair cost",
        "warnings": "sentences worth reading",
    },
    "texture": {
        **RESULT_KEYS,
        "images": "the images that were painted, see below",
        "objects": "names of the objects that were painted",
        "views": "each with `name`, `matrix_world`, `projection`, `size`, `rectangle` in what was sent, "
        "`coverage`, `shift_px`, `scale`, `score`, `used` and `job`, whose answer shows it",
        "jobs": "ids of all requests in their order: with `--in-sequence` one a view; `job` is the last",
        "coverage": "share of the texels of the objects that were painted, 0 to 1",
        "gap_share": "share of them that no view shows",
        "overlap_share": "share of them that several faces lie on",
        "variation": "which of the images that came is painted, from 1",
        "variations": "how many came",
    },
    "extend": {
        "file": "the extended image",
        "width": "pixels",
        "height": "pixels",
        "left": "where the image lies in it, in pixels",
        "top": "likewise",
        "jobs": "ids of the requests in `history`, in their order",
        "estimated_usd": "upper bound before sending, of all requests",
        "cost_usd": "what they cost",
        "warnings": "sentences worth reading",
    },
    "cutout": {
        "file": "the cut-out",
        "width": "pixels",
        "height": "pixels",
        "share": "of the image that the subject covers, 0 to 1",
        "job": "id of the request in `history`",
        "estimated_usd": "upper bound before sending",
        "cost_usd": "what it cost",
        "warnings": "sentences worth reading",
    },
    "batch": {
        "rows": "rows of the manifest, combinations counted",
        "succeeded": "rows made",
        "failed": "rows refused or broken",
        "unknown": "rows that got no answer and may have been billed",
        "skipped": "rows that were there already",
        "running": "rows that another process, or a batch of the API, works on",
        "unfinished": "rows that were not begun",
        "cost_usd": "what this run cost",
        "unknown_usd": "what the rows without an answer may have cost at most",
        "report": "file with the rows that failed or are unknown, or null",
        "results_file": "the results as JSON Lines",
        "problems": "what `--collect` could not use: `batch`, `message`, `line`, `job`, `file`",
        "results": "one object a row: `row`, `line`, `state`, `job`, `cost_usd`, `files`, `error`",
    },
}
"""Keys of the JSON object, by verb, beside `schema` and `state`."""

PRICE_KEYS: Mapping[str, str] = {
    name: KEYS["estimate"][name]
    for name in ("estimated_usd", "low_usd", "likely_usd", "high_usd", "exact", "warnings")
}
"""What a price before sending says."""

OTHER_KEYS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("generate", "--dry-run"): KEYS["estimate"],
    ("extend", "--dry-run"): {
        "width": "pixels of the extended image",
        "height": "pixels",
        "left": "where the image lies in it, in pixels",
        "top": "likewise",
        "sizes": "sizes of the requests, in their order",
        "model": "the model that would be asked",
        "prompt": "the words that would be sent with each",
        **PRICE_KEYS,
    },
    ("cutout", "--dry-run"): {
        "size": "size of the request",
        "model": "the model that would be asked",
        "prompt": "the words that would be sent",
        **PRICE_KEYS,
    },
    ("texture", "--dry-run"): {
        "objects": "names of the objects that would be painted",
        "views": "each with `name`, `matrix_world`, `projection`, `size` and `rectangle` in what is sent",
        "coverage": "share of the surface that the views show, by samples",
        **KEYS["estimate"],
    },
    ("batch", "--dry-run"): {
        "rows": "rows of the manifest, combinations counted",
        "invalid": "rows that can't be sent",
        "estimated_usd": "the same as `high_usd`",
        "low_usd": "lower bound of all rows",
        "likely_usd": "what they would cost, as far as is known",
        "high_usd": "upper bound of all rows",
        "groups": "rows priced alike: `model`, `size`, `quality`, `kind`, `rows`, `pictures`, prices",
        "errors": "the first rows that can't be sent, each with its `error`",
    },
    ("batch", "--farm"): {"rows": "rows of the manifest", "bundle": "folder of the job bundle"},
}
"""The same where a flag makes a verb print something else."""

IMAGE_KEYS: Mapping[str, str] = {
    "name": "name of the image data-block",
    "file": "absolute path of the bytes as they were received",
    "width": "pixels",
    "height": "pixels",
    "format": "`png`, `jpeg`, `webp`, …",
    "sha256": "of that file",
    "processed": "path of what was made of it: tiled, put back into its original, or bled; or null",
}
WORLD_KEYS: Mapping[str, str] = {
    "sun": "`confidence`: `sure` where it was found, `unsure`, `none`, or `given` by you; `azimuth` and "
    "`elevation` in degrees, or null; `energy` in W/m² and linear `color` of its lamp, 0 where none is made",
    "sky": "`clear`, `hazy`, `overcast`, `night` or `indoor`",
    "factor": "share of a clear day's sun that such a sky has",
    "irradiance": "of a horizontal surface by sky and sun, where white of the image is 1",
    "sun_share": "share of it by the sun, 0 to 1",
    "wrap_step": "how far colors jump where the image closes, in times of their step from column to column",
    "tilt": "degrees by which it was levelled, or 0",
    "repaired_poles": "`up` and `down`, where the model repainted them and that is used",
    "pole_spread": "how far the colors of a pole lie apart, 0 to 1",
}
JOB_KEYS: Mapping[str, str] = {
    "job": "its id",
    "state": "QUEUED, SENDING, RECEIVED, APPLIED, FAILED, CANCELLED or UNKNOWN",
    "created": "when it was submitted, ISO 8601",
    "provider": one_of(f"`{name}`" for name in PROVIDERS),
    "model": "the model asked for",
    "prompt": "your words",
    "size": "as requested",
    "quality": "as requested",
    "n": "images requested",
    "target": one_of(f"`{name}`" for name in TARGETS),
    "estimated_usd": "upper bound before sending",
    "cost_usd": "what it cost, or null",
    "billed": "`no`, `maybe` or `yes`",
    "request_id": "the server's id of the request",
    "folder": "where its files are, or null",
    "favourite": "whether its files are never cleaned away",
    "edit_of": "the job whose image it is an edit of, or null",
    "error": "as in a failure, or null",
}
ERROR_KEYS: Mapping[str, str] = {
    "type": "the kind of error; the table of errors lists them",
    "code": "the API's own code, or ours",
    "message": "one sentence, and one that says what to do",
    "param": "the parameter at fault, or null",
    "request_id": "the server's id of the request, or null",
    "retryable": "the same request may succeed later",
    "billed": "`no`, `maybe` or `yes`",
}


def verb_epilog(verb: str) -> str:
    """Examples and JSON keys, for the end of a verb's help."""
    lines = ["examples:"]
    for arguments, what in EXAMPLES.get(verb, ()):
        lines += [f"  {CALL} {verb} {arguments}".rstrip(), f"      {what}"]
    keys = ", ".join(("schema", "state", *KEYS.get(verb, ())))
    return "\n".join([*lines, "", f"keys of the JSON object: {keys}"])


def root_epilog() -> str:
    """First steps, variables and exit codes, for the end of the program's help."""
    return "\n".join(
        [
            "a first try, without key, network or cost:",
            f'  {CALL} generate "red brick wall" --provider offline --target material --output wall.blend',
            "",
            "with OpenAI, put --online-mode before -c and the key into OPENAI_API_KEY:",
            '  blender --online-mode -c gpt_image generate "red brick wall" --max-cost 0.25',
            "",
            "each verb explains itself:",
            f"  {CALL} generate --help",
            "",
            "environment:",
            *(f"  {name:30} {text}" for name, text in ENVIRONMENT.items()),
            "",
            "exit codes:",
            *(f"  {code:<4} {text}" for code, text in EXIT_CODES.items()),
        ]
    )
