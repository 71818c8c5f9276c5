"""A torrent of one file, without a tracker, https://www.bittorrent.org/beps/bep_0003.html; and bencoding."""

from hashlib import sha1
from typing import Any

SMALLEST, LARGEST = 256 << 10, 16 << 20  # bytes of a piece
MANY = 2000  # pieces, about


class Pieces:
    """The SHA-1 of each piece of a file, whose bytes are fed in any portions."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._digests: list[bytes] = []
        self._piece, self._room = sha1(usedforsecurity=False), length

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        while len(view) >= self._room:
            self._piece.update(view[: self._room])
            view = view[self._room :]
            self._digests.append(self._piece.digest())
            self._piece, self._room = sha1(usedforsecurity=False), self.length
        self._piece.update(view)
        self._room -= len(view)

    def end(self) -> bytes:
        """All digests, one after the other, when all bytes were fed."""
        last = [self._piece.digest()] if self._room < self.length else []
        return b"".join([*self._digests, *last])


def piece_length(size: int) -> int:
    """The bytes of a piece for a file of this size: a power of two, so that there are not too many of them."""
    length = SMALLEST
    while length < LARGEST and size > length * MANY:
        length *= 2
    return length


def write(name: str, size: int, pieces: Pieces, web_seed: str = "") -> bytes:
    """The torrent of a file; `web_seed`: an address where it can be fetched by HTTP too (BEP 19)."""
    info = {"length": size, "name": name, "piece length": pieces.length, "pieces": pieces.end()}
    return encode({"created by": "isobuild", "info": info} | ({"url-list": [web_seed]} if web_seed else {}))


def encode(value: object) -> bytes:
    """A value, bencoded: numbers, texts, bytes, lists, dictionaries."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encode(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case list():
            return b"l%be" % b"".join(map(encode, value))
        case dict():
            return b"d%be" % b"".join(encode(key) + encode(value[key]) for key in sorted(value))
    raise TypeError(f"{value!r} can't be bencoded")


def decode(data: bytes) -> Any:
    """What was bencoded; texts are bytes, and so are the keys. Raises ValueError."""
    value, rest = _decode(data, 0)
    if rest != len(data):
        raise ValueError("there is something after its end")
    return value


def info(data: bytes) -> dict[bytes, Any]:
    """What a torrent says of its one file. Raises ValueError for what is no such torrent."""
    found = decode(data)
    said = found.get(b"info") if isinstance(found, dict) else None
    if not isinstance(said, dict) or not isinstance(said.get(b"piece length"), int) or said[b"piece length"] <= 0:
        raise ValueError("it is no torrent")
    return said


def _decode(data: bytes, at: int, depth: int = 20) -> tuple[Any, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d") and depth:
        values, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = _decode(data, at, depth - 1)
            values.append(value)
        return (values if kind == b"l" else dict(zip(values[::2], values[1::2], strict=True))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if not colon < end <= len(data):
        raise ValueError("it is cut off")
    return data[colon + 1 : end], end
