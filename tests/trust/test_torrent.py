"""Torrents: bencoding, and pieces that do not depend on how the bytes come."""

from hashlib import sha1
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isobuild.trust import torrent
from isobuild.trust.torrent import Pieces

VALUES = st.recursive(
    st.integers() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.binary(), inner), max_leaves=20
)
CONTENT = bytes(range(256)) * 8


def pieces_of(portions: list[bytes], length: int) -> bytes:
    pieces = Pieces(length)
    for portion in portions:
        pieces.feed(portion)
    return pieces.end()


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, b"i0e"), (-7, b"i-7e"), ("é", b"2:\xc3\xa9"), ([1, "a"], b"li1e1:ae"), ({"b": 1, "a": {}}, b"d1:ade1:bi1ee")],
)
def test_bencoding(value: object, encoded: bytes) -> None:
    assert torrent.encode(value) == encoded


@given(VALUES)
def test_what_was_encoded_is_decoded(value: object) -> None:
    assert torrent.decode(torrent.encode(value)) == value


@given(st.binary(max_size=200))
def test_junk_is_a_value_error_or_a_value(data: bytes) -> None:
    try:
        torrent.decode(data)
    except ValueError:
        return


@pytest.mark.parametrize("data", [b"", b"i1", b"l", b"5:abc", b"d1:ae", b"i1e1", b"-1:", b"l" * 5000, b"di1e"])
def test_what_is_cut_off(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        torrent.decode(data)


@given(st.lists(st.integers(0, len(CONTENT))))
def test_pieces_are_the_same_however_the_bytes_come(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(CONTENT)]
    starts = range(0, len(CONTENT), 100)
    wanted = b"".join(sha1(CONTENT[at : at + 100], usedforsecurity=False).digest() for at in starts)
    assert pieces_of([CONTENT[start:end] for start, end in pairwise(ends)], 100) == wanted


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200])
def test_the_last_piece(size: int) -> None:
    assert len(pieces_of([CONTENT[:size]], 100)) == -(-size // 100) * 20


def test_a_torrent_tells_one_file() -> None:
    pieces = Pieces(torrent.piece_length(len(CONTENT)))
    pieces.feed(CONTENT)
    written = torrent.write("tea.iso", len(CONTENT), pieces, "https://example.org/download/7/tea.iso")
    told = torrent.decode(written)
    assert told[b"url-list"] == [b"https://example.org/download/7/tea.iso"]
    assert torrent.info(written) == {
        b"length": 2048, b"name": b"tea.iso", b"piece length": 256 << 10,
        b"pieces": sha1(CONTENT, usedforsecurity=False).digest(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "length"), [(0, 256 << 10), (1 << 30, 1 << 20), (8 << 30, 8 << 20), (1 << 50, 16 << 20)]
)
def test_pieces_are_not_too_many(size: int, length: int) -> None:
    assert torrent.piece_length(size) == length


@pytest.mark.parametrize("told", [1, {}, {"info": 1}, {"info": {}}, {"info": {"piece length": 0}}])
def test_what_is_no_torrent(told: object) -> None:
    with pytest.raises(ValueError, match="it is no torrent"):
        torrent.info(torrent.encode(told))
