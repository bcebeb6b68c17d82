"""The journal has one door: nothing outside its folder speaks SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpt_image_addon"
JOURNAL = PACKAGE / "core" / "journal"

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s(OR\s\w+\s)?INTO|UPDATE\s\w+\sSET|DELETE\sFROM|(CREATE|ALTER|DROP)\sTABLE"
    r"|ORDER\sBY|GROUP\sBY|PRAGMA\s)\b|\w\s(=|<>|<|>|<=|>=|IN\s\()\s?\?",
    re.DOTALL,
)
CALLS = ("execute", "executemany", "executescript", "transaction")


def find_sql(code: str) -> Iterator[int]:
    """The lines on which SQL stands, or is given to a database."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            yield node.lineno


def test_sql_stands_in_the_journals_folder_alone() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(JOURNAL)
        for line in find_sql(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_journal_itself_is_seen() -> None:
    modules = {path.stem for path in JOURNAL.glob("*.py") if any(find_sql(path.read_text("utf-8")))}
    assert {"journal", "reader", "schema", "batch_rows", "history"} <= modules


@pytest.mark.parametrize(
    "code",
    [
        'connection.execute("VACUUM")',
        'journal.query("SELECT state, COUNT(*) FROM jobs")',
        'journal.find("id = ? AND batch = ?", job, batch)',
        'f"UPDATE jobs SET {columns}"',
        'f"digest = ? AND state IN (?, ?) ORDER BY {column}"',
        "with journal.transaction() as connection: pass",
    ],
)
def test_sql_is_seen(code: str) -> None:
    assert list(find_sql(code))
