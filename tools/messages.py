"""The texts of the interface, and which of them a language lacks: ``python tools/messages.py [de_DE]``.

Without a language all texts are listed. Exit code 1 where some are missing, or translations are left over.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpt_image_addon.core.request.parameters import PARAMETERS  # noqa: E402 - found by the line above

PACKAGE = ROOT / "gpt_image_addon"
UI = PACKAGE / "ui"
STYLES = PACKAGE / "core" / "request" / "styles.json"
TRANSLATIONS = UI / "common" / "translations"
KEYWORDS = ("text", "name", "description", "placeholder")
"""Arguments that Blender translates by itself."""
CONSTANTS = ("PLACEHOLDER", "NO_PROMPT", "NO_STYLE_LABEL", "NO_STYLE_TIP", "OWN_STYLES")
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
    *("core.journal.batch_rows", "core.journal.untrusted_journal", "core.journal.merge"),
    *("core.journal.rate_limiter", "core.providers.openai.batch_api", "core.request.prompt"),
    *("core.textures.channel_packing", "core.textures.lighting"),
)
"""Modules, and folders of them, whose sentences reach the command line, a model or nobody."""
WITH_ROWS = ("core/request/providers.py", "core/request/targets.py")
"""Modules whose rows hold what the interface shows."""
WITH_CHOICES = ("core/engines/table.py",)
"""Modules whose tables are the choices of an operator."""
ROW_KEYWORDS = ("label", "description", "notice", "use_label", "place", "key_label")
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ{'"
"""How a sentence begins; with what is filled in, or a name in quotes, too."""
MAKERS = ("message", "Message", "UnusableImageError")
"""What is called with a template or a part of a sentence."""


def messages() -> dict[str, str]:
    """Every text, with the file that it stands in."""
    found: dict[str, str] = {}
    for path in sorted(UI.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for text in (*_of_calls(tree), *_of_classes(tree), *_of_tables(tree)):
            if _has_words(text):
                found.setdefault(text, path.name)
    for path, tree in _seen_modules():
        rows = _of_rows(tree) if path.as_posix().endswith(WITH_ROWS) else ()
        choices = _of_tables(tree) if path.as_posix().endswith(WITH_CHOICES) else ()
        for text in (
            *_sentences(tree),
            *_templates(tree),
            *_progress(tree),
            *rows,
            *filter(_has_words, choices),
        ):
            found.setdefault(text, path.name)
    for style in json.loads(STYLES.read_text("utf-8"))["styles"]:
        for text in (style["label"], style["group"], style["tip"]):
            found.setdefault(text, STYLES.name)
    for text in filter(_has_words, _of_parameters()):
        found.setdefault(text, "parameters.py")
    return found


def _has_words(text: str) -> bool:
    return any(letter.islower() or letter.isspace() for letter in text) or text in FORMATS


def _seen_modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not f"{name}.".startswith(tuple(f"{unseen}." for unseen in (*UNSEEN, "cli", "mcp"))):
            yield path, ast.parse(path.read_text("utf-8"))


def finished_sentences() -> dict[str, str]:
    """Sentences in which something is filled in on the spot, which nobody can translate: `message` can."""
    return {
        text: path.name
        for path, tree in _seen_modules()
        for node in _spoken(tree)
        if isinstance(node, ast.JoinedStr)
        for text in [ast.unparse(node)]
        if _is_sentence("".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values))
    }


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Texts that begin and end like a sentence: errors, next steps, warnings."""
    yield from (text for node in _spoken(tree) if (text := _text(node)) and _is_sentence(text))


def _is_sentence(text: str) -> bool:
    is_whole = text[:1] in CAPITALS and text.endswith(".")
    return is_whole and " " in text and "\n" not in text and _says_something(text)


def _says_something(template: str) -> bool:
    """Whether there are words around what is filled in."""
    return any(letter.isalpha() for letter in re.sub(r"{.*?}", "", template))


def _spoken(tree: ast.AST) -> Iterator[ast.AST]:
    """What may be read in the interface, each text once."""
    silent = {id(part) for node in ast.walk(tree) if _is_silent(node) for part in ast.walk(node)}
    parts = {id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values}
    yield from (node for node in ast.walk(tree) if id(node) not in silent | parts)


def _templates(tree: ast.AST) -> Iterator[str]:
    """What `message` fills in, and parts of sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS and node.args:
            yield from filter(_says_something, _branches(node.args[0]))


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
            yield from (text for k in node.keywords if k.arg == "message" for text in _branches(k.value))
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "message" and node.value:
            yield from _branches(node.value)


def _branches(node: ast.AST) -> Iterator[str]:
    """The texts that an argument may be."""
    if isinstance(node, ast.IfExp):
        yield from (*_branches(node.body), *_branches(node.orelse))
    else:
        yield from filter(None, [_text(node)])


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
            yield from (text for k in node.keywords if k.arg in KEYWORDS for text in _branches(k.value))


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
            for key, text in zip(node.value.keys, map(_text, node.value.values), strict=True):
                if text and (" " in text or isinstance(key, ast.Attribute)):
                    yield text
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in CONSTANTS:
            yield from filter(None, [_text(node.value)])
        elif isinstance(node.value, ast.Tuple):
            for row in node.value.elts:
                if isinstance(row, ast.Tuple) and len(row.elts) >= 2:
                    first = row.elts[:1] if isinstance(row.elts[1], ast.Tuple) else row.elts[1:3]
                    yield from filter(None, map(_text, first))


def _of_parameters() -> Iterator[str]:
    """What the table of parameters says in the panel; what references are is chosen there for each."""
    for row in PARAMETERS.values():
        if row.panel is not None:
            yield from filter(None, (row.panel.label, row.panel.tip, row.panel.short))
        yield from (text for choice in row.choices for text in choice[1:])


def _of_rows(tree: ast.Module) -> Iterator[str]:
    """Labels and descriptions of rows, and of what can be chosen in them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "choices" and isinstance(node.value, ast.Tuple):
            for choice in node.value.elts:
                yield from filter(None, map(_text, getattr(choice, "elts", ())[1:]))
        elif isinstance(node, ast.keyword) and node.arg in ROW_KEYWORDS:
            yield from filter(None, [_text(node.value)])


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def problems(language: str) -> list[str]:
    """One line for each text without a translation, or that can have none; and for each left over."""
    known: dict[str, str] = json.loads((TRANSLATIONS / f"{language}.json").read_text("utf-8"))
    wanted = messages()
    missing = [f"missing, in {place}: {text}" for text, place in wanted.items() if not known.get(text)]
    finished = [f"not a message, in {place}: {text}" for text, place in finished_sentences().items()]
    return missing + finished + [f"left over: {text}" for text in known if text not in wanted]


def main() -> None:
    if len(sys.argv) < 2:
        print(json.dumps(messages(), indent=1))
        return
    found = problems(sys.argv[1])
    print("\n".join(found) or "All texts are translated.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
