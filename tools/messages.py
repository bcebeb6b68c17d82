"""The texts of the interface, and which of them a language lacks: ``python tools/messages.py [de_DE]``.

Without a language all texts are listed. Exit code 1 where some are missing, or translations are left over.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gpt_image_addon"
UI = PACKAGE / "ui"
STYLES = PACKAGE / "core" / "request" / "styles.json"
TRANSLATIONS = UI / "common" / "translations"
KEYWORDS = ("text", "name", "description", "placeholder")
"""Arguments that Blender translates by itself."""
CONSTANTS = ("PLACEHOLDER", "NO_PROMPT", "MAP_TIP", "NO_STYLE_LABEL", "NO_STYLE_TIP")
"""Names of single texts."""
FORMATS = ("PNG", "JPEG")
"""Texts in capitals that are no names of icons."""
NOT_TRANSLATED = ("translate",)
FUNCTIONS = ("pgettext_iface", "pgettext_tip", "poll_message_set", "translate")
LOG_METHODS = ("debug", "info", "warning", "error", "exception")
SHOWN_BASES = ("Operator", "Panel", "Menu", "UIList", "FileHandler", "Sidebar")
"""Classes whose docstring is a tooltip."""


UNSEEN = (
    *("__main__", "app.batch", "app.diagnostics.bug_report", "core.batch", "core.common.arguments"),
    *("core.common.keychain_windows", "core.common.process_lock", "core.http.connections"),
    *("core.http.json_images", "core.http.sockets", "core.imaging.png_writer", "core.jobs.follow_ups"),
    *("core.journal.batch_rows", "core.journal.foreign_journal", "core.journal.merge"),
    *("core.journal.rate_limiter", "core.providers.openai.batch_api", "core.request.prompt"),
    *("core.textures.channel_packing", "core.textures.lighting"),
)
"""Modules, and folders of them, whose sentences reach the command line, a model or nobody."""
WITH_TABLES = ("core.providers.openai.errors",)
"""Modules whose tables hold parts of sentences."""
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ{'"
"""How a sentence begins; with what is filled in, or a name in quotes, too."""


def messages() -> dict[str, str]:
    """Every text, with the file that it stands in."""
    found: dict[str, str] = {}
    for path in sorted(UI.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for text in (*_of_calls(tree), *_of_classes(tree), *_of_tables(tree), *_sentences(tree)):
            if any(letter.islower() or letter.isspace() for letter in text) or text in FORMATS:
                found.setdefault(text, path.name)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not f"{name}.".startswith(tuple(f"{unseen}." for unseen in (*UNSEEN, "ui", "cli"))):
            tree = ast.parse(path.read_text("utf-8"))
            tables = _of_tables(tree) if name in WITH_TABLES else ()
            for text in (*_sentences(tree), *_progress(tree), *_storage(tree), *tables):
                found.setdefault(text, path.name)
    for style in json.loads(STYLES.read_text("utf-8"))["styles"]:
        found.setdefault(style["label"], STYLES.name)
    return found


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Texts that begin and end like a sentence: errors, next steps, warnings; ``{}`` is filled in."""
    silent = {id(part) for node in ast.walk(tree) if _is_silent(node) for part in ast.walk(node)}
    parts = {id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values}
    for node in ast.walk(tree):
        text = _template(node)
        if not text or id(node) in silent | parts:
            continue
        if text[0] in CAPITALS and " " in text and text.endswith(".") and "\n" not in text:
            yield text


def _is_silent(node: ast.AST) -> bool:
    """Whether nobody reads what stands here in the interface: docstrings, tooltips, the log."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in LOG_METHODS and getattr(node.func.value, "id", "") == "log"


def _progress(tree: ast.AST) -> Iterator[str]:
    """What a job says that it does now."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "JobEvent":
            yield from filter(None, (_template(k.value) for k in node.keywords if k.arg == "message"))
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "message" and node.value:
            yield from filter(None, [_template(node.value)])


def _storage(tree: ast.AST) -> Iterator[str]:
    """What `files.storage_errors` makes of a message."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "storage_errors":
            yield from (f"{_template(arg)}: {{}}." for arg in node.args if isinstance(arg, ast.JoinedStr))


def _branches(node: ast.AST) -> Iterator[str]:
    """The texts that an argument may be."""
    if isinstance(node, ast.IfExp):
        yield from (*_branches(node.body), *_branches(node.orelse))
    else:
        yield from filter(None, [_template(node)])


def _template(node: ast.AST) -> str | None:
    """A text, or a template of one."""
    if not isinstance(node, ast.JoinedStr):
        return _text(node)
    return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)


def _of_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in FUNCTIONS:
            yield from (text for arg in node.args for text in _branches(arg))
        elif called in ("bl_idname", "context_pointer_set") or _is_verbatim(node):
            continue
        else:
            yield from filter(None, (_text(k.value) for k in node.keywords if k.arg in KEYWORDS))


def _is_verbatim(node: ast.Call) -> bool:
    return any(
        keyword.arg in NOT_TRANSLATED and isinstance(keyword.value, ast.Constant) and not keyword.value.value
        for keyword in node.keywords
    )


def _of_classes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {
            base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
        }
        doc = ast.get_docstring(node)
        if doc and bases & set(SHOWN_BASES):
            yield doc
        for part in node.body:
            if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "bl_label":
                yield from filter(None, [_text(part.value)])


def _of_tables(tree: ast.Module) -> Iterator[str]:
    """Labels and descriptions of enum items, titles of parts: the second and third of tuples of texts."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        if isinstance(node.value, ast.Dict):
            yield from (text for text in map(_text, node.value.values) if text and " " in text)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in CONSTANTS:
            yield from filter(None, [_text(node.value)])
        elif isinstance(node.value, ast.Tuple):
            for row in node.value.elts:
                if isinstance(row, ast.Tuple) and len(row.elts) >= 2:
                    first = row.elts[:1] if isinstance(row.elts[1], ast.Tuple) else row.elts[1:3]
                    yield from filter(None, map(_text, first))


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def problems(language: str) -> list[str]:
    """One line for each text without translation, and for each translation without a text."""
    known: dict[str, str] = json.loads((TRANSLATIONS / f"{language}.json").read_text("utf-8"))
    wanted = messages()
    missing = [f"missing, in {place}: {text}" for text, place in wanted.items() if not known.get(text)]
    return missing + [f"left over: {text}" for text in known if text not in wanted]


def main() -> None:
    if len(sys.argv) < 2:
        print(json.dumps(messages(), indent=1))
        return
    found = problems(sys.argv[1])
    print("\n".join(found) or "All texts are translated.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
