"""Every error owns its words, and keeps its facts on the way from one process to another."""

import pickle

from isobuild.errors import IsobuildError, NoRoom, NotFound


def test_it_comes_back_as_it_was() -> None:
    for sent in (NotFound(what="task", given=7, hint=""), NoRoom(path="/srv", free="1 MB", needed="2 MB")):
        come: IsobuildError = pickle.loads(pickle.dumps(sent))  # noqa: S301 (our own)
        assert (type(come), str(come), come.facts) == (type(sent), str(sent), sent.facts)
