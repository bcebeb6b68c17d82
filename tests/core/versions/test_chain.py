"""Which result was edited into which: chains, branches, and journals that were made by others."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.journal.history import Filter, clean, needed_by, row
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.merge import merge
from gpt_image_addon.core.journal.reader import JournalReader
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.schema import JOURNAL_FILE, VERSION
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import PROCESSED_FOLDER, keep
from gpt_image_addon.core.versions.chain import find_forest, find_versions
from gpt_image_addon.core.versions.edited_image import find_edited_image, with_edited_image

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2")


def png(gray: int = 100) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (gray,) * 3).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def add(
    journal: Journal, job: str, edit_of: str | None = None, *, images: int = 1, suffix: str = "png"
) -> Path:
    """A result, made from another one where that is named; each is a second younger than the one before."""
    application = Application(target="image", edit_of=edit_of)
    journal.reserve(job, REQUEST, application, REQUEST.digest(), 0.0)
    journal.sending(job)
    facts = {"request": REQUEST.to_dict(), "application": application.to_dict()}
    facts["created"] = datetime.now().astimezone().isoformat()
    files = {f"image-{number}.{suffix}": png(number) for number in range(1, images + 1)}
    kept = keep(journal.results, job, datetime.now(), files, facts)
    journal.received(job, kept.folder, cost_usd=0.0, usage=None, request_id=None)
    with journal.transaction() as connection:
        count = len(journal.entries())
        connection.execute("UPDATE jobs SET created = ? WHERE id = ?", (1_700_000_000 + count, job))
    return kept.folder


def line(journal: JournalReader, job: str) -> list[str]:
    return [version.job for version in find_versions(journal, job)]


def forest(journal: JournalReader) -> list[str]:
    return ["-" * depth + entry.id for depth, entry in find_forest(journal, Filter())]


def test_a_chain_is_walked_from_each_of_its_versions(journal: Journal) -> None:
    for job, parent in (("a", None), ("b", "a"), ("c", "b/1"), ("other", None)):
        add(journal, job, parent)
    for job in "abc":
        assert line(journal, job) == ["a", "b", "c"]
    assert line(journal, "other") == ["other"] and line(journal, "none") == []
    middle = find_versions(journal, "b")[1]
    assert (middle.parent, middle.edit_of, middle.prompt, middle.branches) == ("a", "a", "oak", ("b",))
    assert middle.images == (str(journal.entry("b").folder / "image-1.png"),)  # type: ignore[union-attr,operator]


def test_branches_stand_beside_each_other(journal: Journal) -> None:
    for job, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a")):
        add(journal, job, parent)
    assert line(journal, "a") == ["a", "d"]
    assert line(journal, "c") == ["a", "b", "c"]
    assert find_versions(journal, "d")[1].branches == ("b", "d")
    assert forest(journal) == ["a", "-b", "--c", "-d"]


def test_a_request_without_a_result_is_in_the_forest_alone(journal: Journal) -> None:
    add(journal, "a")
    journal.reserve("b", REQUEST, Application(edit_of="a"), "", 0.0)
    assert line(journal, "a") == ["a"]
    assert forest(journal) == ["a", "-b"]
    assert row(journal.entry("b"))["edit_of"] == "a"  # type: ignore[arg-type]


def test_circles_end(journal: Journal) -> None:
    """Rows that no add-on writes: a job cannot be older than the one that it was made from."""
    for job in ("a", "b", "c"):
        add(journal, job)
    for job, parent in (("a", "c"), ("b", "a"), ("c", "b")):
        with journal.transaction() as connection:
            text = f'{{"target": "image", "edit_of": "{parent}"}}'
            connection.execute(
                "UPDATE jobs SET application = ?, parent = ? WHERE id = ?", (text, parent, job)
            )
    assert sorted(line(journal, "a")) == ["a", "b", "c"]
    assert forest(journal) == ["a", "-b", "--c"]
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET application = '{\"edit_of\": \"a\"}', parent = 'a'")
    assert line(journal, "a")[0] == "a" and line(journal, "c") == ["a", "c"]
    assert forest(journal) == ["a", "-b", "-c"]


@pytest.mark.parametrize("edit_of", ["../x", "b/0", "b/100", "b/1/2", "b\0", 7, ["b"], "", "x" * 5000])
def test_a_strangers_parent_is_left_out_where_it_can_be_none(
    journal: Journal, tmp_path: Path, edit_of: object
) -> None:
    other = open_journal(tmp_path / "other")
    add(other, "b")
    with other.transaction() as connection:
        text = json.dumps({"target": "image", "edit_of": edit_of})
        connection.execute("UPDATE jobs SET application = ?, parent = 'b'", (text,))
    other.close()
    merged = merge(journal, tmp_path / "other")
    assert merged.added + len(merged.refused) == 1
    if merged.added:
        entry = journal.entry("b")
        assert entry is not None and entry.application.edit_of is None
        assert journal.rows("id = 'b'")[0]["parent"] == ""


def test_a_parent_that_is_not_here_is_none(journal: Journal, tmp_path: Path) -> None:
    other = open_journal(tmp_path / "other")
    add(other, "child", "elsewhere/2")
    other.close()
    assert merge(journal, tmp_path / "other").added == 1
    assert line(journal, "child") == ["child"] and forest(journal) == ["child"]
    assert find_versions(journal, "child")[0].edit_of == "elsewhere/2"
    add(journal, "elsewhere", images=2)
    assert line(journal, "child") == ["elsewhere", "child"]


def test_the_parent_is_found_again_when_the_journal_is_lost(journal: Journal, tmp_path: Path) -> None:
    add(journal, "a")
    add(journal, "b", "a")
    journal.close()
    (tmp_path / "state" / JOURNAL_FILE).unlink()
    again = open_journal(tmp_path / "state")
    assert line(again, "b") == ["a", "b"]
    again.close()


def test_an_older_journal_is_read_and_brought_up(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "state")
    add(journal, "a")
    journal.close()
    with sqlite3.connect(tmp_path / "state" / JOURNAL_FILE) as connection:
        connection.execute("DROP INDEX jobs_by_parent")
        connection.execute("ALTER TABLE jobs DROP COLUMN parent")
        connection.execute("PRAGMA user_version = 4")
    connection.close()
    reader = JournalReader(tmp_path / "state")
    assert line(reader, "a") == ["a"]
    reader.close()
    again = open_journal(tmp_path / "state")
    add(again, "b", "a")
    assert line(again, "a") == ["a", "b"] and VERSION >= 5
    again.close()


def test_the_newest_file_of_an_image_is_edited(journal: Journal) -> None:
    folder = add(journal, "a", images=2)
    assert find_edited_image(journal, "a") == folder / "image-1.png"
    assert find_edited_image(journal, "a/2") == folder / "image-2.png"
    processed = folder / PROCESSED_FOLDER
    processed.mkdir()
    for name, age in (("image-1-tile.png", 10), ("image-1.png", 5), ("image-10.png", 20), ("image-1.txt", 1)):
        (processed / name).write_bytes(png())
        moment = (folder / "image-1.png").stat().st_mtime + age
        os.utime(processed / name, (moment, moment))
    assert find_edited_image(journal, "a") == processed / "image-1-tile.png"
    link = processed / "image-1-link.png"
    link.symlink_to("/etc/hostname")
    assert find_edited_image(journal, "a") == processed / "image-1-tile.png"


def test_what_cannot_be_edited_is_refused(journal: Journal) -> None:
    shutil.rmtree(add(journal, "gone"))
    add(journal, "two", images=2)
    add(journal, "drawing", suffix="svg")
    (add(journal, "broken") / "image-1.png").write_bytes(b"no image")
    journal.reserve("open", REQUEST, Application(), "", 0.0)
    for edit_of, code in (
        ("none", "no_such_job"),
        ("two/3", "invalid_value"),
        ("gone", "no_result"),
        ("open", "no_result"),
        ("drawing", "invalid_value"),
        ("broken", "bad_picture"),
        ("../two", "invalid_value"),
        ("two/0", "invalid_value"),
        ("", "invalid_value"),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            with_edited_image(REQUEST, Application(edit_of=edit_of), journal)
        assert caught.value.code == code, edit_of


def test_the_edited_image_comes_first(journal: Journal) -> None:
    folder = add(journal, "a")
    request = dataclasses.replace(REQUEST, references=("style.png",), reference_labels=("the style",))
    found = with_edited_image(request, Application(edit_of="a"), journal)
    assert found.references == (str(folder / "image-1.png"), "style.png")
    assert found.reference_labels == ("", "the style")
    assert with_edited_image(REQUEST, Application(), journal) is REQUEST


def edit_without_copy(journal: Journal, job: str, parent: str, *, copied: bool = False) -> None:
    """A result of a part of an image that only its parent holds."""
    folder = add(journal, job, parent)
    of = journal.entry(parent)
    assert of is not None and of.folder is not None
    answer = json.loads((folder / "answer.json").read_text())
    answer["edit"] = {"file": str(of.folder / "image-1.png")}
    (folder / "answer.json").write_text(json.dumps(answer))
    if copied:
        (folder / "original.copy.png").write_bytes(png())


def test_what_an_edit_is_made_of_is_not_cleaned_away(journal: Journal) -> None:
    for job in ("a", "b"):
        add(journal, job)
    edit_without_copy(journal, "needs", "a")
    edit_without_copy(journal, "whole", "b", copied=True)
    assert needed_by(journal, "a") == {"needs"} and needed_by(journal, "b") == set()
    for job in ("a", "b"):
        journal.applied(job)
    assert clean(journal, 1, dry_run=True).jobs == clean(journal, 1).jobs == ("b",)
    journal.applied("needs")
    assert clean(journal, 1).jobs == ("needs", "a")
