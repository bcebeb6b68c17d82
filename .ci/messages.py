"""The texts of the interface, and which of them a language lacks: ``python .ci/messages.py [de_DE]``.

Without a language all texts are listed. Exit code 1 where some are missing, or translations are left over.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "gpt_image_addon" / "ui"
TRANSLATIONS = UI / "translations"
KEYWORDS = ("text", "name", "description", "placeholder")
"""Arguments that Blender translates by itself."""
CONSTANTS = ("PLACEHOLDER", "NO_PROMPT", "MAP_TIP", "NO_STYLE_LABEL", "NO_STYLE_TIP")
"""Names of single texts."""
FORMATS = ("PNG", "JPEG")
"""Texts in capitals that are no names of icons."""
NOT_TRANSLATED = ("translate",)
FUNCTIONS = ("pgettext_iface", "pgettext_tip", "poll_message_set")
SHOWN_BASES = ("Operator", "Panel", "Menu", "UIList", "FileHandler", "Sidebar")
"""Classes whose docstring is a tooltip."""


def messages() -> dict[str, str]:
    """Every text, with the file that it stands in."""
    found: dict[str, str] = {}
    for path in sorted(UI.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for text in (*_of_calls(tree), *_of_classes(tree), *_of_tables(tree)):
            if any(letter.islower() or letter.isspace() for letter in text) or text in FORMATS:
                found.setdefault(text, path.name)
    return found


def _of_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in FUNCTIONS:
            yield from filter(None, map(_text, node.args))
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
