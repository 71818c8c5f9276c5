"""The log of a build."""

import json

from sites import GATED, Site, wait_for

from cli.conftest import Call

SAYS = '#!/bin/sh\necho unpacking\necho careful >&2\necho x >"$ISOBUILD_OUT/x.iso"\n'


def test_a_log_by_streams_and_in_json(call: Call, site: Site) -> None:
    """S1.17: stdout and stderr, together and apart."""
    site.order(text=SAYS)
    assert call("log", 1).code == 4
    site.carry()
    assert " out: unpacking\n" in call("log", 1).out
    assert call("log", 1, "--stream", "err").out.split(maxsplit=2)[2] == "careful\n"
    lines = json.loads(call("log", 1, "--json", "--stream", "out").out)
    assert [(line["stream"], line["text"]) for line in lines] == [("out", "unpacking")]
    assert call("log", 1, "--build", 1, "-f").out.endswith("run: succeeded: the ISO is ready\n")


def test_a_log_that_is_not_there(call: Call, site: Site) -> None:
    site.order("a")
    site.order("b")
    site.carry()
    assert call("log", 2).err == "isobuild: There is no build of task 2. It waits for its turn; follow it with -f.\n"
    assert call("log", 2, "--build", 1).code == 4
    assert call("log", 1, "--build", 9).code == 4
    assert call("log", 1, "--stream", "all").code == 2


def test_following_ends_with_the_build(site: Site) -> None:
    site.order(text=GATED)
    with site.started("log", 1, "-f") as process:
        site.tick()
        wait_for(lambda: site.processes("sleep"))
        assert process.poll() is None
        site.open_gate()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "out: isobuild: 40% unpacking\n" in out
    assert out.endswith("run: succeeded: the ISO is ready\n")


def test_following_ends_where_there_is_no_build_and_never_will_be(call: Call, site: Site) -> None:
    site.order("a", max_attempts=1)
    site.order("b", after=[1])
    call("cancel", 1)
    for number in (1, 2):
        said = call("log", number, "-f")
        assert (said.code, said.out) == (4, "")
    assert said.err.startswith("isobuild: There is no build of task 2. It is failed: ")
    assert call("log", 1).err == "isobuild: There is no build of task 1. It is canceled.\n"


def test_what_was_built_before_has_no_build(call: Call, site: Site) -> None:
    site.write_script("x.sh", SAYS)
    for name in ("a", "b"):
        call("order", "script", "--script", "x.sh", "--name", name)
    site.carry()
    same = "It is ready, and has the ISO of another that is the same."
    assert call("log", 2, "-f").err == f"isobuild: There is no build of task 2. {same}\n"
