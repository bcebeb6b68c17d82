"""Files of answers that no server would write: every line that can be read is, the others are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gpt_image_addon.core.errors import APIError
from gpt_image_addon.core.providers.openai.batch_api import BatchResponse, LineReader
from tests.api_server.images import base64_text
from tests.core.fuzzing import fuzz

from . import raw

IMAGE = raw.image_file()
IDS = ("0123456789ab", "a", "", "../x", "é", 'x"y')

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(IDS)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
images = st.sampled_from([base64_text(IMAGE), base64_text(IMAGE)[:-7], "", "???", "\\/", 5, None])
entries = st.fixed_dictionaries({}, optional={"b64_json": images, "url": values, "revised_prompt": values})
bodies = st.one_of(
    values,
    st.fixed_dictionaries({"data": st.lists(entries, max_size=3) | values}, optional={"usage": values}),
    st.fixed_dictionaries({"error": values}),
)
responses = st.one_of(
    values,
    st.fixed_dictionaries(
        {"status_code": st.sampled_from([200, 400, 429, 500, 0, 302, "200", None, 10**30]), "body": bodies},
        optional={"request_id": values},
    ),
)
records = st.fixed_dictionaries(
    {}, optional={"custom_id": st.sampled_from(IDS) | values, "response": responses, "error": values}
)
lines = st.one_of(
    (records | values).map(lambda found: json.dumps(found).encode()),
    records.map(lambda found: json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(records, st.integers(0, 200)).map(lambda found: json.dumps(found[0]).encode()[: found[1]]),
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")),
    st.sampled_from(
        [b"[" * 3000, b'{"custom_id": "a", "x":' * 3000, b"\xff\xfe", b" ", b"\r", b'"b64_json": "']
    ),
)
files = st.tuples(st.lists(lines, max_size=5), st.booleans(), st.integers(1, 64))


def test_lines_are_read_or_kept(tmp_path: Path) -> None:
    folder = tmp_path / "aside"

    def check(found: tuple[list[bytes], bool, int]) -> None:
        wanted, ended, size = found
        data = b"\n".join(wanted) + (b"\n" if ended else b"")
        taken: list[BatchResponse] = []

        def take(line: BatchResponse) -> bool:
            taken.append(line)
            check_line(line)
            return line.number % 2 == 0

        reader = LineReader(take, folder, "output")
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
        reader.end_line()
        reader.close()
        full = [number for number, line in enumerate(wanted, 1) if line.strip()]
        assert [line.number for line in taken] == full
        kept = {path.name: path.read_bytes() for path in folder.glob("*")} if folder.exists() else {}
        assert kept == {f"output-{n}.json": wanted[n - 1] for n in full if n % 2}
        for path in list(folder.glob("*")) if folder.exists() else ():
            path.unlink()

    fuzz(check, files)


def check_line(line: BatchResponse) -> None:
    """An answer with at least one image, or an error of a known kind."""
    try:
        answer: Any = line.answer()
    except APIError as error:
        assert error.billed in ("yes", "maybe") or line.status != 200 or line.body.get("error")
        assert line.is_whole is (not line.fault and line.status != 200)
        json.dumps(error.to_dict())
        return
    assert answer.images and all(answer.images) and set(answer.images) == {IMAGE}
    assert line.custom_id and (line.is_whole is (None not in line.images))
