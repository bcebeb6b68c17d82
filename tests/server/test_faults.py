"""Everything that can be scripted happens, at the stage it was asked for, and is billed as it should be."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.client
import io
import json
import socket
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from ..api_server import ApiServer, Step, faults
from .raw import bearer, edit, error_of, generate, part

Lost = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def settled(server: ApiServer) -> bool:
    return server.wait_until(lambda s: all(record.state == "done" for record in s.requests))


@pytest.mark.parametrize("stage", faults.STAGES)
def test_reset(api_server: ApiServer, stage: str) -> None:
    api_server.script(faults.reset(stage))
    with pytest.raises(Lost):
        generate(api_server)
    assert settled(api_server)
    (record,) = api_server.requests
    made = stage in ("processing", "answer_headers", "answer")
    assert record.billed is made and bool(record.answers) is made
    assert (api_server.bill_usd > 0) is made
    assert record.answered_at is None and record.client_left_at is None
    assert generate(api_server).status_code == 200


@pytest.mark.parametrize("stage", faults.STAGES)
def test_a_stall_lasts_until_the_release(api_server: ApiServer, stage: str) -> None:
    api_server.script(faults.stall(stage))
    statuses: list[int] = []
    client = threading.Thread(target=lambda: statuses.append(generate(api_server).status_code))
    client.start()
    assert api_server.wait_until(lambda s: bool(s.stalled))
    assert api_server.stalled[0].stalled_at == stage and not statuses
    api_server.release()
    client.join(10)
    assert statuses == [200] and not api_server.stalled


@pytest.mark.parametrize("stage", faults.STAGES)
def test_a_client_that_leaves_a_stall_is_noticed(api_server: ApiServer, stage: str) -> None:
    api_server.script(faults.stall(stage))
    body = json.dumps({"model": "gpt-image-2.5-flare", "prompt": "x"}).encode()
    with socket.create_connection(("127.0.0.1", api_server.port)) as connection:
        head = f"POST /v1/images/generations HTTP/1.1\r\nAuthorization: Bearer {api_server.api_key}\r\n"
        head += f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        before_body = stage in ("headers", "body")
        connection.sendall(head.encode() + (body[: len(body) // 2] if before_body else body))
        assert api_server.wait_until(lambda s: bool(s.stalled))
    assert settled(api_server)
    (record,) = api_server.requests
    assert record.client_left_at is not None and record.billed is not before_body


@pytest.mark.parametrize("stage", faults.STAGES)
def test_a_delay_outlasts_an_impatient_client(api_server: ApiServer, stage: str) -> None:
    api_server.script(faults.delay(30, stage), faults.delay(0.05, stage))
    with pytest.raises((requests.Timeout, *Lost)):
        generate(api_server, timeout=0.3)
    assert settled(api_server)
    assert api_server.requests[0].client_left_at is not None
    assert generate(api_server).status_code == 200


def test_latency_is_for_what_is_billed(api_server: ApiServer) -> None:
    api_server.options.latency = 30
    assert generate(api_server, n=0).status_code == 400
    with pytest.raises(requests.Timeout):
        generate(api_server, timeout=0.3)
    assert settled(api_server) and api_server.requests[1].billed


@pytest.mark.parametrize("name", ["truncated_json", "html", "wrong_content_type", "empty_data", "no_data"])
def test_answers_that_are_no_answer(api_server: ApiServer, name: str) -> None:
    api_server.script(faults.answer(name))
    response = generate(api_server, size="816x816")
    assert (
        api_server.requests[0].billed
        and response.headers["x-request-id"] == api_server.requests[0].request_id
    )
    if name == "truncated_json":
        with pytest.raises(ValueError):
            json.loads(response.content)
    elif name == "html":
        assert response.status_code == 502 and response.headers["Content-Type"] == "text/html"
    elif name == "wrong_content_type":
        assert response.headers["Content-Type"] == "text/plain" and response.json()["data"]
    else:
        assert not response.json().get("data")
        assert ("data" in response.json()) is (name == "empty_data")


def decoded(response: requests.Response) -> list[bytes]:
    return [base64.b64decode(entry["b64_json"], validate=True) for entry in response.json()["data"]]


def test_truncated_base64(api_server: ApiServer) -> None:
    api_server.script(faults.answer("truncated_base64"))
    with pytest.raises(ValueError):
        decoded(generate(api_server, size="816x816"))


def test_one_of_several_images_is_corrupt(api_server: ApiServer) -> None:
    api_server.script(faults.answer("one_corrupt"))
    first, second = decoded(generate(api_server, n=2, size="816x816"))
    Image.open(io.BytesIO(first)).load()
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(second)).load()


def test_bomb(api_server: ApiServer) -> None:
    api_server.script(faults.answer("bomb"))
    (bomb,) = decoded(generate(api_server))
    assert len(bomb) < 200_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Image.DecompressionBombError):
            Image.open(io.BytesIO(bomb))
    assert int.from_bytes(bomb[16:20], "big") * int.from_bytes(bomb[20:24], "big") == 300_000_000


def test_gzip(api_server: ApiServer) -> None:
    api_server.script(faults.answer("gzip"))
    url = f"{api_server.base_url}/images/generations"
    body = {"model": "gpt-image-2", "prompt": "x"}
    with requests.post(url, json=body, headers=bearer(api_server), stream=True, timeout=20) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(response.raw.read()))["data"]


def test_wrong_content_lengths(api_server: ApiServer) -> None:
    long, short = faults.answer("content_length_too_long"), faults.answer("content_length_too_short")
    api_server.script(long, short)
    body = json.dumps({"model": "gpt-image-2", "prompt": "x"})
    headers = {**bearer(api_server), "Content-Type": "application/json"}
    for whole in (False, True):  # urllib3 before 2.0 would not notice that the first is not
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", api_server.port)) as connection:
            connection.request("POST", "/v1/images/generations", body, headers)
            try:
                sent = connection.getresponse().read()
                assert whole
            except http.client.IncompleteRead as error:
                sent = error.partial
                assert not whole and error.expected == 1000
        if whole:
            with pytest.raises(ValueError):
                json.loads(sent)
        else:
            assert json.loads(sent)["data"]


def test_redirect_goes_where_it_is_told(api_server: ApiServer) -> None:
    with ApiServer() as other:
        api_server.script(faults.redirect(f"{other.base_url}/images/generations"))
        assert generate(api_server).status_code == 401  # the client rightly dropped its key
        assert "authorization" not in other.requests[0].headers
    assert api_server.bill_usd == 0 and other.bill_usd == 0


def test_links(api_server: ApiServer) -> None:
    api_server.script(faults.answer("url"))
    url = generate(api_server, output_format="jpeg").json()["data"][0]["url"]
    response = requests.get(url, timeout=20)
    assert response.headers["Content-Type"] == "image/jpeg"
    assert hashlib.sha256(response.content).hexdigest() == api_server.requests[0].answers[0]
    assert requests.get(url.replace(".jpg", "0.jpg"), timeout=20).status_code == 404


def test_error_rows_can_be_changed(api_server: ApiServer) -> None:
    changes: dict[str, Any] = {"headers": {"retry-after-ms": "5"}, "message": "Busy", "body": {"param": "n"}}
    api_server.script(faults.error("rate_limit_exceeded", **changes), faults.error("slow_down", status=429))
    response = generate(api_server)
    assert response.headers["retry-after-ms"] == "5" and response.headers["retry-after"] == "12"
    assert error_of(response)["message"] == "Busy" and error_of(response)["param"] == "n"
    assert generate(api_server).status_code == 429


def test_steps_are_taken_in_order_by_matching_paths(api_server: ApiServer) -> None:
    api_server.script(
        faults.error("server_error", match="/edits"), faults.ok(), faults.error("slow_down", match="")
    )
    assert generate(api_server).status_code == 200
    assert generate(api_server).status_code == 503
    assert edit(api_server).status_code == 500
    assert api_server.unused_steps == 0
    assert [record.step for record in api_server.requests] == [
        None,
        "error=slow_down, match=",
        "error=server_error, match=/edits",
    ]


@pytest.mark.parametrize(
    "wrong", [{"error": "nonsense"}, {"answer": "nonsense"}, {"reset": "nonsense"}, {"x": 1}]
)
def test_a_misspelt_step_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Step.from_dict(wrong)


def events(server: ApiServer, **parameters: Any) -> list[dict[str, Any]]:
    response = generate(server, stream=True, size="816x816", **parameters)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    lines = response.text.replace("\r\n", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ({"drop_partials": (0,)}, ["partial_image", "completed"]),
        ({"final_first": True}, ["completed", "partial_image", "partial_image"]),
        ({"end_after": 1}, ["partial_image"]),
        ({"end_after": 0}, []),
        ({"error_after": 2}, ["partial_image", "partial_image", "error"]),
        (
            {"bare_data": True, "comments": True, "done": True},
            ["partial_image", "partial_image", "completed"],
        ),
    ],
)
def test_bent_streams(api_server: ApiServer, shape: dict[str, Any], kinds: list[str]) -> None:
    api_server.script(faults.stream(**shape))
    sent = events(api_server, partial_images=2)
    assert [event["type"].rpartition(".")[2] for event in sent] == kinds
    assert api_server.requests[0].billed


def test_a_stream_cut_in_the_middle(api_server: ApiServer) -> None:
    api_server.script(faults.stream(cut=5000))
    url = f"{api_server.base_url}/images/generations"
    body = {"model": "gpt-image-2", "prompt": "x", "stream": True, "partial_images": 1}
    arrived = bytearray()
    response = requests.post(url, json=body, headers=bearer(api_server), stream=True, timeout=20)
    with response, pytest.raises(Lost):
        for piece in response.iter_content(100):
            arrived += piece
    assert len(arrived) == 5000


def test_a_stream_can_stall_and_reset_in_its_middle(api_server: ApiServer) -> None:
    api_server.script(faults.reset("answer"))
    url = f"{api_server.base_url}/images/generations"
    body = {"model": "gpt-image-2", "prompt": "x", "stream": True, "partial_images": 3}
    response = requests.post(url, json=body, headers=bearer(api_server), stream=True, timeout=20)
    with response, pytest.raises(Lost):
        for _ in response.iter_content(1000):
            pass


def test_several_images_in_a_stream(api_server: ApiServer) -> None:
    sent = events(api_server, n=2, partial_images=1)
    assert [event["type"].rpartition(".")[2] for event in sent] == ["partial_image", "completed", "completed"]
    assert sent[1]["b64_json"] != sent[2]["b64_json"]


@pytest.mark.parametrize("name", faults.BAD_IMAGES)
def test_streams_carry_bad_images(api_server: ApiServer, name: str) -> None:
    api_server.script(faults.answer(name))
    first, last = events(api_server, partial_images=1)
    Image.open(io.BytesIO(base64.b64decode(first["b64_json"]))).load()
    with warnings.catch_warnings(), pytest.raises((ValueError, OSError, Image.DecompressionBombError)):
        warnings.simplefilter("ignore")
        Image.open(io.BytesIO(base64.b64decode(last["b64_json"], validate=True))).load()


def test_a_server_that_does_not_stream(api_server: ApiServer) -> None:
    api_server.script(faults.answer("not_streamed"))
    response = generate(api_server, stream=True, partial_images=1)
    assert response.headers["Content-Type"] == "application/json" and decoded(response)


@pytest.mark.parametrize("length", ["-1", "x"])
def test_a_senseless_content_length(api_server: ApiServer, length: str) -> None:
    with socket.create_connection(("127.0.0.1", api_server.port), timeout=10) as connection:
        head = f"POST /v1/images/edits HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_requests_a_minute(api_server: ApiServer) -> None:
    api_server.options.requests_per_minute = 2
    assert [generate(api_server).status_code for _ in range(3)] == [200, 200, 429]
    response = generate(api_server)
    wait = int(response.headers["retry-after-ms"]) / 1000
    assert 50 < wait <= 60 and int(response.headers["retry-after"]) == -int(-wait // 1)
    assert f"Please try again in {wait:.4g}s." in error_of(response)["message"]
    assert response.headers["x-ratelimit-remaining-requests"] == "0"
    api_server.options.minute = 0.001
    assert generate(api_server).status_code == 200


def test_input_images_a_minute(api_server: ApiServer) -> None:
    api_server.options.input_images_per_minute = 5
    assert edit(api_server, [part("image[]")] * 4).status_code == 200
    response = edit(api_server, [part("image[]")] * 2)
    assert (
        response.status_code == 429 and "input-images per min: Limit 5, Used 4, Requested 2" in response.text
    )
    assert edit(api_server).status_code == 200


def test_chunked_bodies_are_read(api_server: ApiServer) -> None:
    body = [b'{"model": "gpt-image-2",', b' "prompt": "x"}']
    headers = {**bearer(api_server), "Content-Type": "application/json"}
    url = f"{api_server.base_url}/images/generations"
    assert requests.post(url, data=iter(body), headers=headers, timeout=20).status_code == 200


def loss_of(server: ApiServer) -> Exception:
    with pytest.raises(Lost) as caught:
        generate(server)
    return caught.value


def test_close_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    log = tmp_path / "log.jsonl"
    server = ApiServer(log=log)
    server.script(faults.ok(), faults.stall("processing"))
    with requests.Session() as idle:
        idle.post(
            f"{server.base_url}/images/generations",
            json={"model": "gpt-image-2", "prompt": "x"},
            headers=bearer(server),
            timeout=20,
        )
        losses: list[Exception] = []
        stalled = threading.Thread(target=lambda: losses.append(loss_of(server)))
        stalled.start()
        assert server.wait_until(lambda s: bool(s.stalled))
        server.close()
        server.close()
        stalled.join(10)
    assert len(losses) == 1
    assert set(threading.enumerate()) == before
    assert [json.loads(line)["state"] for line in log.read_text().splitlines()] == ["done", "done"]
    with pytest.raises(Lost):
        generate(server)


def test_the_example_of_the_package(api_server: ApiServer) -> None:
    api_server.script(faults.error("slow_down"), faults.ok(), faults.reset("processing"))
    assert (generate(api_server).status_code, generate(api_server).status_code) == (503, 200)
    with pytest.raises(Lost):
        generate(api_server)
    assert settled(api_server)
    assert [record.status for record in api_server.image_requests] == [503, 200, None]
    assert api_server.bill_usd == 2 * api_server.requests[1].cost_usd


@pytest.mark.parametrize("path", ["/models", "/files", "/batches"])
def test_other_endpoints_are_scripted_by_their_path(api_server: ApiServer, path: str) -> None:
    api_server.script(faults.error("server_error", match=path))
    url = api_server.base_url + path
    assert requests.get(url, headers=bearer(api_server), timeout=20).status_code == 500
    assert requests.get(url, headers=bearer(api_server), timeout=20).status_code == 200


def test_a_crash_of_the_server_is_not_hidden(api_server: ApiServer) -> None:
    nonsense: Any = "no date"
    api_server.options.today = nonsense
    assert generate(api_server, model="gpt-image-1.5").status_code == 500
    (crash,) = api_server.crashes
    assert "TypeError" in crash
    api_server.crashes.clear()  # or the fixture would fail this test
