"""Downloads: whole, in ranges, checked, and of any size in little memory."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from web.counter import Counter, fill
from web.serving import serve

CONTENT = b"0123456789abcdef" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(counter: Counter) -> str:
    """The address of a ready ISO."""
    number, _ = counter.make("kiosk", CONTENT)
    return f"/download/{number}/kiosk.iso"


def test_the_whole(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "application/x-iso9660-image"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kiosk.iso"'
    assert answer.headers["Content-Length"] == "16000"
    assert answer.headers["ETag"] == f'"{SHA256}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"


def test_head(client: TestClient, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "16000")


def test_the_checksum_as_sha256sum_reads_it(client: TestClient, path: str) -> None:
    assert client.get(f"{path}.sha256").text == f"{SHA256}  kiosk.iso\n"


@pytest.mark.parametrize(
    ("asked", "given", "content"),
    [
        ("bytes=0-9", "bytes 0-9/16000", CONTENT[:10]),
        ("bytes=15990-", "bytes 15990-15999/16000", CONTENT[-10:]),
        ("bytes=-10", "bytes 15990-15999/16000", CONTENT[-10:]),
        ("bytes=100-99999", "bytes 100-15999/16000", CONTENT[100:]),
        ("bytes=-99999", "bytes 0-15999/16000", CONTENT),
    ],
)
def test_a_range(client: TestClient, path: str, asked: str, given: str, content: bytes) -> None:
    answer = client.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"], answer.content) == (206, given, content)


def test_several_ranges(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Range": "bytes=0-3,100-103"})
    assert answer.status_code == 206
    assert answer.headers["Content-Type"].startswith("multipart/byteranges")
    assert re.findall(rb"bytes (\d+-\d+)/16000\r\n\r\n(.{4})", answer.content) == [
        (b"0-3", CONTENT[:4]),
        (b"100-103", CONTENT[100:104]),
    ]


@pytest.mark.parametrize("asked", ["bytes=16000-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_beyond_the_end(client: TestClient, path: str, asked: str) -> None:
    answer = client.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */16000")


def test_a_resume_goes_on_only_if_the_file_is_still_the_same(client: TestClient, path: str) -> None:
    resume = {"Range": "bytes=100-"}
    assert client.get(path, headers=resume | {"If-Range": f'"{SHA256}"'}).status_code == 206
    assert client.get(path, headers=resume | {"If-Range": '"another"'}).content == CONTENT


@pytest.mark.parametrize("known", [f'"{SHA256}"', f'W/"{SHA256}"', f'"x", "{SHA256}"', "*"])
def test_what_is_known_is_not_sent_again(client: TestClient, path: str, known: str) -> None:
    answer = client.get(path, headers={"If-None-Match": known})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", f'"{SHA256}"')
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_only_a_ready_task_is_downloaded(counter: Counter) -> None:
    """S0.18: only what is ready can be downloaded."""
    for state, number in fill(counter).items():
        with counter.db.read():
            name = counter.task(number)["iso"]
        answer = counter.client.get(f"/download/{number}/{name}")
        assert answer.status_code == (200 if state == "ready" else 409), state
        if state != "ready":
            assert "can be downloaded only when it is ready" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["other.iso", "..%2F1%2Fkiosk.iso", "kiosk.iso%00", "kiosk", "kiosk.iso.sha256.sha256",
                                  "KIOSK.ISO", "%2Fetc%2Fpasswd"])  # fmt: skip
def test_only_the_tasks_own_file(client: TestClient, path: str, name: str) -> None:
    """S0.C9: no name leads to another file."""
    assert client.get(f"/download/1/{name}").status_code == 404
    assert client.get(f"/download/2/{name}").status_code == 404


def test_a_file_that_is_gone_from_the_store(counter: Counter, path: str) -> None:
    counter.store().remove(1)
    answer = counter.client.get(path)
    assert answer.status_code == 404
    assert "no longer in the store" in answer.json()["detail"]
    page = counter.client.get(path, headers={"Accept": "text/html,*/*"})
    assert page.headers["Content-Type"].startswith("text/html")


def high_water(pid: int) -> int:
    """The most memory that a process ever had, in KiB (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


@pytest.fixture
def large(counter: Counter) -> Iterator[tuple[str, int]]:
    """The address of an ISO of 1 GiB, and the process that serves it."""
    counter.order("large")
    counter.succeed(counter.start(), size=1 << 30)
    with serve(counter.settings.home) as (address, pid):
        yield f"{address}/download/1/large.iso", pid


def test_memory_is_flat(large: tuple[str, int]) -> None:
    address, pid = large
    assert httpx2.get(address, headers={"Range": "bytes=0-9"}).status_code == 206
    before = high_water(pid)
    with httpx2.stream("GET", address) as answer:
        read = sum(len(chunk) for chunk in answer.iter_raw(1 << 20))
    assert read == 1 << 30
    assert high_water(pid) - before < 50 << 10
