"""Where layers are made: in memory if there is enough of it, else on the disk, and never without room."""

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
import sh
from sites import build_user

from isobuild.image import live
from isobuild.image.room import enter

__all__ = ["build_user"]
Room = Callable[..., "sh.RunningCommand"]


@pytest.fixture
def room(build_user: str, needed: Callable[[str], str]) -> Iterator[Room]:
    """Runs a script in a room, with the functions of room.sh, as the build user; `need` is in MiB."""
    needed("newuidmap")
    needed("mksquashfs")
    folder = Path(tempfile.mkdtemp(prefix="isobuild-room-"))
    folder.chmod(0o777)
    for name in ("work", "out"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    user = pwd.getpwnam(build_user)
    switch = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    (folder / "in").mkdir(mode=0o755)
    for name, source in {"room": "room.sh", "layer": "layer.py"}.items():
        (folder / "in" / name).write_text(resources.files(live).joinpath(source).read_text())

    def run(script: str, need: int = 100) -> "sh.RunningCommand":
        program = folder / "in" / "script"
        program.write_text(f'set -eu\n. "$1/room"\n{script}')
        words = [*(switch if os.geteuid() == 0 else ["env"]), *enter("sh", f"{program}", *map(str, parts))]
        env = {"PATH": os.environ["PATH"], "NEED": f"{need}", "COMPRESSION": "-comp zstd", "SOURCE_DATE_EPOCH": "1000"}
        return sh.Command(words[0])(*words[1:], _env=env, _ok_code=list(range(256)), _return_cmd=True)

    parts = [folder / name for name in ("in", "work", "out")]
    yield run
    sh.Command("unshare" if os.geteuid() else "rm")(*([] if os.geteuid() == 0 else ["-Ur", "rm"]), "-rf", folder)
    shutil.rmtree(folder, ignore_errors=True)


def mebibytes_of_memory() -> int:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) >> 10


WHERE = 'enter_room; stat -f -c %T "$room"; df -m --output=size "$room" | tail -n 1'


def test_with_memory_to_spare_it_is_in_memory(room: Room) -> None:
    kind, size = str(room(WHERE, need=100)).split()
    assert (kind, int(size)) == ("tmpfs", 150)


def test_with_little_memory_it_is_on_the_disk(room: Room) -> None:
    need = mebibytes_of_memory()  # twice that is not there
    if shutil.disk_usage(tempfile.gettempdir()).free >> 20 <= need:
        pytest.skip("there is less disk than memory")
    if str(room('stat -f -c %T "$work"')).strip() == "tmpfs":
        pytest.skip("the disk is memory, too")
    assert str(room(WHERE, need=need)).split()[0] != "tmpfs"


def test_builds_at_a_time_share_the_memory(room: Room) -> None:
    builds = mebibytes_of_memory() // 150
    assert str(room(f"ISOBUILD_SLOTS={builds}; {WHERE}", need=100)).split()[0] != "tmpfs"


def test_without_room_it_says_so_before_it_begins(room: Room) -> None:
    said = room(WHERE, need=1 << 40)
    assert said.exit_code == 71
    assert b"E: No space left on device: the system needs 1099511627776 MiB" in said.stderr


def test_a_disk_that_fills_while_packing_is_an_error(room: Room) -> None:
    said = room(
        'enter_room; mount -t tmpfs -o size=1m small "$out"; mkdir "$room/tree"; '
        'head -c 4m /dev/urandom >"$room/tree/file"; squash "$room/tree" "$out/file.squashfs"; echo went on'
    )
    assert said.exit_code == 71
    assert b"file.squashfs could not be written" in said.stderr
    assert b"No space left on device" in said.stderr
    assert b"went on" not in said.stdout


def test_a_damaged_layer_is_not_unpacked(room: Room) -> None:
    said = room('enter_room; head -c 5000 /dev/urandom >"$room/file"; unpack "$room/file" "$room/tree"; echo went on')
    assert said.exit_code == 71
    assert b"could not be unpacked" in said.stderr
    assert b"went on" not in said.stdout


def test_what_is_forgotten_leaves_the_folders_that_services_write_to(room: Room) -> None:
    said = room(
        'enter_room; cd "$room"; mkdir -p t/var/log/nginx t/etc/ssh t/tmp/x t/var/cache/apt/archives/partial; '
        "touch t/var/log/dpkg.log t/var/log/nginx/error.log t/etc/ssh/ssh_host_rsa_key t/etc/ssh/sshd_config; "
        "echo abc >t/etc/machine-id; forget t; "
        "find t -type f -printf '%p %s\\n' | sort; find t/var t/tmp -type d | sort"
    )
    assert str(said).split("\n")[:-1] == [
        "t/etc/machine-id 0", "t/etc/ssh/sshd_config 0",
        "t/tmp", "t/var", "t/var/cache", "t/var/cache/apt", "t/var/cache/apt/archives",
        "t/var/cache/apt/archives/partial", "t/var/log", "t/var/log/nginx",
    ]  # fmt: skip


def test_a_layer_is_stacked_settled_and_says_what_it_changed(room: Room) -> None:
    """What was removed below is a whiteout; what was replaced as a whole hides each name."""
    said = room(
        'enter_room; cd "$room"; mkdir -p low/d low/e; echo 1 >low/d/a; echo 2 >low/e/b; stack "$room/up" "$room/low"; '
        'rm root/d/a; rm -r root/e; mkdir root/e; echo 3 >root/e/c; unstack; settle "$room/up" "$room/low"; '
        "find up -printf '%p %y\\n' | sort"
    )
    assert str(said).split("\n")[:-1] == ["up d", "up/d d", "up/d/a c", "up/e d", "up/e/b c", "up/e/c f"]


FORGETTABLE = "var/log/dpkg.log var/cache/apt/pkgcache.bin tmp/x etc/ssh/ssh_host_rsa_key etc/resolv.conf etc/passwd-"


def test_what_is_a_machines_own_is_forgotten_and_what_was_ordered_is_not(room: Room) -> None:
    said = room(f"""
        mkdir "$work/tree"; cd "$work/tree"
        for path in {FORGETTABLE} var/log/app/seen etc/hosts; do mkdir -p "$(dirname $path)"; echo x >$path; done
        printf '%s\\t0644\\troot\\troot\\t%s\\n' a /etc/resolv.conf - /var/log/app >"$work/table"
        forget "$work/tree" "$work/table"
        find . -type f | sort
    """)
    assert f"{said}".split() == ["./etc/hosts", "./etc/resolv.conf", "./var/log/app/seen"]


def test_what_hides_a_key_of_the_layers_below_is_not_forgotten(room: Room) -> None:
    said = room("""
        mkdir -p "$work/below/etc/ssh"; echo key >"$work/below/etc/ssh/ssh_host_rsa_key"
        stack "$work/upper" "$work/below"; rm "$root/etc/ssh/ssh_host_rsa_key"; unstack
        settle "$work/upper" "$work/below"
        forget "$work/upper"
        find "$work/upper" -type c -printf '%P\\n'
    """)
    assert f"{said}".strip() == "etc/ssh/ssh_host_rsa_key"


@pytest.mark.parametrize("program", ["live/make.sh", "remaster/remaster.sh"])
def test_what_sources_room_uses_no_name_of_its_own_twice(program: str) -> None:
    assigned = re.compile(r"^\s*(?:for )?([a-z]+)(?:=| in )", re.MULTILINE)
    image = resources.files("isobuild.image")
    ours, theirs = (set(assigned.findall((image / name).read_text())) for name in ("live/room.sh", program))
    assert ours & theirs <= {"root"}  # which pack_base changes on purpose
