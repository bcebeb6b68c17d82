"""Writes docs/reference/ from the code, so that it can't drift from it: `make docs`.

With ``--check`` nothing is written; the exit code is 1 when a page is not what the code says.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpt_image_addon import api, cli  # noqa: E402 - found by the line above
from gpt_image_addon.app import generation  # noqa: E402
from gpt_image_addon.cli import reference  # noqa: E402
from gpt_image_addon.core import errors  # noqa: E402
from gpt_image_addon.core.jobs import job as jobs  # noqa: E402
from gpt_image_addon.core.request import map_kinds, models, pricing, request  # noqa: E402
from gpt_image_addon.core.request.parameters import PARAMETERS  # noqa: E402
from gpt_image_addon.core.request.providers import PROVIDERS  # noqa: E402
from gpt_image_addon.core.request.sizes import SizeRule  # noqa: E402
from gpt_image_addon.core.request.targets import TARGETS  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code. Change it there. -->\n"
WIDTH = 110  # characters
ORDER = (generation.requests, generation.plans, generation.results, generation.model_textures, api)
"""Modules whose functions come first."""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *[[cell(value) for value in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    text = "" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    return f"`{text}`" if text not in ("", None) else ""


def command_line() -> str:
    """Every verb with every flag."""
    (verbs,) = (action for action in cli.parser()._actions if action.dest == "verb")
    assert isinstance(verbs.choices, Mapping)
    parts = [
        "# Command line: every flag\n",
        "`blender -c gpt_image VERB …`, or `python -m gpt_image_addon VERB …` on the bpy module. "
        "[How to use it](../command-line.md); [what `--json` prints](json.md).\n",
        table(("verb", "does"), ((f"[{name}](#{name})", row.help) for name, row in cli.VERBS.items())),
    ]
    for name, parser in verbs.choices.items():
        parts += [f"\n## {name}\n", " ".join((parser.description or "").split()), ""]
        for group in parser._action_groups:
            rows = [flag_row(action) for action in group._group_actions if action.dest != "help"]
            if rows:
                parts += [f"**{group.title}**\n", table(("flag", "meaning"), rows), ""]
        for arguments, what in reference.EXAMPLES.get(name, ()):
            parts += [
                f"{what[0].upper()}{what[1:]}:\n",
                f"    {reference.CALL} {name} {arguments}".rstrip(),
                "",
            ]
    return "\n".join(parts)


def flag_row(action: argparse.Action) -> tuple[str, str]:
    names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.nargs != 0:
        shown = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
        names += f" {shown or action.dest.upper()}"
    return code(names), str(action.help or "")


def json_keys() -> str:
    """Every key of every JSON object."""
    parts = [
        "# JSON: every key\n",
        "Each verb with `--json` prints one object as the last line of stdout; `--json-file FILE` writes it "
        "to a file. It always has `schema`, which is 1 and changes when a key is renamed or goes away, and "
        "`state`: `succeeded`, `failed`, `dry_run`, `problems` (doctor) or `incomplete` (recover, batch).\n",
        "## A failure\n",
        "It has the key `error`, of every verb:\n",
        table(("key", "meaning"), keys(reference.ERROR_KEYS)),
    ]
    for verb in cli.VERBS:
        parts += [f"\n## {verb}\n", table(("key", "meaning"), keys(reference.KEYS[verb]))]
        for (name, flag), other in reference.OTHER_KEYS.items():
            if name == verb:
                parts += [f"\nWith `{flag}`:\n", table(("key", "meaning"), keys(other))]
        if verb == "generate":
            parts += ["\nEach of `images`:\n", table(("key", "meaning"), keys(reference.IMAGE_KEYS))]
            parts += ["\nOf `world`:\n", table(("key", "meaning"), keys(reference.WORLD_KEYS))]
        if verb == "history":
            parts += ["\nEach of `jobs`:\n", table(("key", "meaning"), keys(reference.JOB_KEYS))]
    return "\n".join(parts)


def keys(rows: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((code(name), text) for name, text in rows.items())


def environment() -> str:
    """Variables and exit codes."""
    return "\n".join(
        [
            "# Environment and exit codes\n",
            "## Variables\n",
            "They go before the preferences.\n",
            table(("variable", "meaning"), keys(reference.ENVIRONMENT)),
            "\n## Exit codes\n",
            table(
                ("code", "meaning"), ((int(number), text) for number, text in reference.EXIT_CODES.items())
            ),
        ]
    )


def error_kinds() -> str:
    """The tree of errors and a row for each."""
    tree = inspect.cleandoc(errors.__doc__ or "").split("::", 1)[1]
    tree = tree[: tree.rindex("\n\n")].strip("\n")

    def rows(cls: type[errors.GptImageError]) -> Iterator[tuple[object, ...]]:
        yield (
            f"[{cls.__name__}](../troubleshooting.md#{cls.__name__.lower()})",
            int(cls.exit_code),
            code(cls.default_code),
            first_paragraph(cls.__doc__),
            cls.default_next_step,
        )
        for child in cls.__subclasses__():
            yield from rows(child)

    return "\n".join(
        [
            "# Errors\n",
            "All of them live in `gpt_image_addon.core.errors`; the name is `error.type` in JSON. "
            "[What to do about each](../troubleshooting.md).\n",
            "```text",
            textwrap.dedent(tree),
            "```\n",
            table(("error", "exit code", "its own code", "meaning", "next step"), rows(errors.GptImageError)),
        ]
    )


def first_paragraph(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split()).replace("``", "`")


def model_table() -> str:
    """What the models take, cost, and until when they answer."""
    found = models.load_registry()
    rows = [
        (
            f"**{row.id}**" if row.id == found.default else row.id,
            row.provider,
            ", ".join(row.qualities),
            row.transparent,
            row.size_rule,
            row.shutdown or "",
            row.replacement or "",
        )
        for row in found.models
    ]
    offered = [
        (code(name), info.label, info.description, info.default_model or found.default)
        for name, info in PROVIDERS.items()
    ]
    names = [field.name for field in dataclasses.fields(SizeRule)]
    rules = [
        (name, *(shown(getattr(rule, field)) for field in names)) for name, rule in found.size_rules.items()
    ]
    kinds = list(dict.fromkeys(kind for prices in found.prices.values() for kind in prices))
    prices = [(name, *(row.get(kind, "") for kind in kinds)) for name, row in found.prices.items()]
    return "\n".join(
        [
            "# Models\n",
            f"As known on {found.collected}; the default is bold. `models --json` prints the table of your "
            "installation, with the state of each model today. A file `models.json` in the state folder adds "
            "rows or replaces some.\n",
            table(
                ("model", "provider", "qualities", "transparent", "sizes", "shutdown", "replacement"), rows
            ),
            "\n## Providers\n",
            table(("provider", "in the panel", "meaning", "default model"), offered),
            "\n## Sizes\n",
            table(("rule", *(name.replace("_", " ") for name in names)), rules),
            "\n## Prices\n",
            "USD per million tokens. `estimate` works out what a request costs.\n",
            table(("prices", *(kind.replace("_", " ") for kind in kinds)), prices),
        ]
    )


def shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join("x".join(map(str, item)) if isinstance(item, tuple) else str(item) for item in value)
    return "" if value in (None, ()) else str(value)


def python() -> str:
    """Functions, parameters and results."""
    functions = [
        value for name, value in vars(api).items() if inspect.isfunction(value) and name in api.__all__
    ]
    order = [module.__name__ for module in ORDER]
    functions.sort(key=lambda found: (*order, found.__module__).index(found.__module__))
    results: list[type] = [api.Result, api.ResultImage, api.Plan, pricing.Estimate, jobs.Task, jobs.Job]
    kinds = [(code(kind.name), kind.label) for kind in map_kinds.BY_NAME.values()]
    targets = [(code(name), info.label, info.description) for name, info in TARGETS.items()]
    parts = [
        "# Python: every function\n",
        "`from gpt_image_addon import api` in a checkout, `from bl_ext.user_default.gpt_image_addon import "
        "api` installed. [How to use it](../python.md). All of it is called on Blender's main thread.\n",
        "## Parameters of a request\n",
        "Keyword arguments of `generate`, `submit`, `estimate` and `plan`; dashes instead of underscores "
        "make them flags, and they are the columns of a manifest.\n",
        parameters(request.GenerationRequest),
        "\n## Parameters of what becomes of it\n",
        parameters(request.Application),
        "\n## Targets\n",
        table(("target", "in the panel", "meaning"), targets),
        "\n## Kinds of maps\n",
        table(("kind", "label"), kinds),
        "\n## Functions",
    ]
    for function in functions:
        parts += [
            "",
            f"### {function.__name__}\n",
            "```python",
            signature(function),
            "```\n",
            prose(function),
        ]
    parts.append("\n## Results")
    for cls in results:
        parts += ["", f"### {cls.__name__}\n", first_paragraph(cls.__doc__), ""]
        named = ((name, text) for name, _, text in (*fields(cls), *properties(cls)))
        parts.append(table(("attribute", "meaning"), named))
        methods = [(code(f".{name}()"), text) for name, text in public_methods(cls)]
        if methods:
            parts += ["", table(("", "meaning"), methods)]
    return "\n".join(parts)


def signature(function: Any) -> str:
    text = f"{function.__name__}{inspect.signature(function)}"
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are strings
    if len(text) <= WIDTH:
        return text
    head, _, rest = text.partition("(")
    arguments, _, result = rest.rpartition(")")
    inner = re.split(r", (?![^\[\]]*\])", arguments)
    return f"{head}(\n" + "".join(f"    {item},\n" for item in inner) + f"){result}"


def prose(function: Any) -> str:
    """A docstring with its fields as a list."""
    text = inspect.cleandoc(function.__doc__ or "").replace("``", "`")
    text = re.sub(r"\n +(?=\S)", " ", text)
    text = re.sub(r"(?m)^:param (\w+):", r"- `\1`:", text)
    text = re.sub(r"(?m)^:returns:", "- returns", text)
    return re.sub(r"(?m)^:raises (\w+):", r"- raises `\1`:", text)


def fields(cls: type) -> Iterator[tuple[str, str, str]]:
    """Name, default and documentation of the public fields of a dataclass, without those of its bases."""
    docs = dict(documented(cls))
    for field in dataclasses.fields(cls):
        if not field.name.startswith("_") and field.name in cls.__annotations__:
            missing = field.default is dataclasses.MISSING
            default = "" if missing or field.default in (None, (), "") else code(field.default)
            yield code(field.name), default, docs.get(field.name, "")


def properties(cls: type) -> Iterator[tuple[str, str, str]]:
    for name, value in vars(cls).items():
        if isinstance(value, property) and not name.startswith("_"):
            yield code(name), "", first_paragraph(value.__doc__)


def parameters(cls: type) -> str:
    """The table of a dataclass that a request is made of; the flag's words where the field has none."""
    flags = {code(row.name): row.flag.help for row in PARAMETERS.values() if row.flag is not None}
    rows = ((name, default, text or flags.get(name, "")) for name, default, text in fields(cls))
    return table(("parameter", "default", "meaning"), rows)


def documented(cls: type) -> Iterator[tuple[str, str]]:
    """The strings that stand below fields, by field."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
            text = after.value if isinstance(after, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield before.target.id, first_paragraph(text.value)


def public_methods(cls: type) -> Iterator[tuple[str, str]]:
    for name, value in vars(cls).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            yield name, first_paragraph(value.__doc__)


PAGES = {
    "command-line.md": command_line,
    "json.md": json_keys,
    "environment.md": environment,
    "errors.md": error_kinds,
    "models.md": model_table,
    "python.md": python,
}


def page(name: str) -> str:
    """One page as the code has it now."""
    return NOTE + "\n" + PAGES[name]().strip() + "\n"


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a page is out of date")
    check = parser.parse_args().check
    stale = []
    REFERENCE.mkdir(exist_ok=True)
    for name in PAGES:
        path, text = REFERENCE / name, page(name)
        if check and (not path.is_file() or path.read_text("utf-8") != text):
            stale.append(name)
        elif not check:
            path.write_text(text, "utf-8")
    if stale:
        print(f"Out of date, run `make docs`: {', '.join(stale)}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
