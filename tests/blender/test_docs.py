"""The documentation: generated pages are up to date, commands work, links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from gpt_image_addon import cli
from gpt_image_addon.core.errors import GptImageError
from tests import pages
from tests.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("reference/*.md"), ROOT / "README.md"])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor that GitHub and its kin give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in _HEADING.findall(path.read_text("utf-8"))}


def kinds(cls: type[GptImageError]) -> list[type[GptImageError]]:
    return [cls, *(kind for child in cls.__subclasses__() for kind in kinds(child))]


def generated() -> dict[str, str]:
    module = runpy.run_path(str(ROOT / "tools" / "reference.py"))
    return {name: module["page"](name) for name in module["PAGES"]}


def test_the_reference_is_what_the_code_says() -> None:
    found = {path.name: path.read_text("utf-8") for path in (DOCS / "reference").glob("*.md")}
    stale = [name for name, text in generated().items() if found.get(name) != text]
    assert stale == [], "run `make docs`"
    assert set(found) == set(generated())


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for link in _LINK.findall(page.read_text("utf-8")):
            target, _, anchor = link.partition("#")
            if target.startswith(("https:", "http:")):
                continue
            path = (page.parent / target).resolve() if target else page
            if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_every_page_is_listed() -> None:
    listed = (DOCS / "README.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"({page.name})" not in listed] == ["README.md"]


def test_every_error_has_its_trouble() -> None:
    headings = anchors(DOCS / "troubleshooting.md")
    mixed = [cls.__name__ for cls in kinds(GptImageError) if cls.__name__.lower() not in headings]
    assert mixed == []


def test_flags_on_pages_exist() -> None:
    """Also in the commands that are shown and not run."""
    (verbs,) = (action for action in cli.parser()._actions if action.dest == "verb")
    unknown = [
        f"{page.name}: {verb} {flag}"
        for page in PAGES
        for verb, rest in re.findall(r"-c gpt_image ([a-z]+)([^`\n]*)", page.read_text("utf-8"))
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)
        if flag not in verbs.choices[verb]._option_string_actions
    ]
    assert unknown == []


@pytest.mark.bpy_module
@pytest.mark.parametrize("name", pages.runnable())
def test_commands_work(name: str, api_server: ApiServer, tmp_path: Path) -> None:
    environment = {
        "OPENAI_BASE_URL": api_server.base_url,
        "OPENAI_API_KEY": api_server.api_key,
        "GPT_IMAGE_DATA_DIR": str(tmp_path / "state"),
    }
    folder = tmp_path / "work"
    folder.mkdir()
    pages.run_page(name, folder, pages.module_as_blender(tmp_path / "bin"), environment)


def test_pages_are_run_at_all() -> None:
    assert len(pages.runnable()) >= 4
