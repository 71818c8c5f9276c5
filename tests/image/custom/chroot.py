"""A small Debian system to try customisations in, as an ordinary user with sub-uids."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sh

from isobuild.errors import StepFailed
from isobuild.image.apt import read_host, release_of
from isobuild.image.custom import Customisation, files

PACKAGES = "systemd sudo tzdata keyboard-configuration console-setup locales login"
NAMESPACE = ("--user", "--map-auto", "--setuid", "0", "--setgid", "0", "--mount", "--pid", "--fork")
ENTER = ("unshare", *NAMESPACE, "sh", "-euc")
FOLDERS = """\
base=$1 upper=$2 top=$3
shift 3
mkdir -p "$upper" "$upper.work" "$top"
"""
MOUNTS = """\
mount -t proc proc "$top/proc"
mount --rbind /dev "$top/dev"
"""
APPLY = f"""{FOLDERS}
mount -t overlay -o "lowerdir=$base,upperdir=$upper,workdir=$upper.work,userxattr" overlay "$top"
{MOUNTS}
for folder in custom uploads; do
    mkdir -p "$top/isobuild/$folder"
    mount --bind -o ro "$1/$folder" "$top/isobuild/$folder"
done
status=0
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=1700000000 \\
    chroot "$top" sh /isobuild/custom/apply || status=$?
umount "$top/isobuild/custom" "$top/isobuild/uploads"
rmdir "$top/isobuild/custom" "$top/isobuild/uploads" "$top/isobuild"
exit "$status"
"""
INSIDE = f"""{FOLDERS}
mount -t overlay -o "lowerdir=$upper:$base,userxattr" overlay "$top"
{MOUNTS}
exec chroot "$top" "$@"
"""
LISTING = """\
cd "$1"
find . -printf '%p %y %m %U %G %l\\n' | LC_ALL=C sort
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
"""


@contextmanager
def chroot(user: str) -> Iterator["Chroot"]:
    """One of this build user's, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="isobuild-chroot-"))
    folder.chmod(0o755)
    try:
        made = Chroot(pwd.getpwnam(user), folder)
        try:
            yield made
        finally:
            made.remove()
    finally:
        shutil.rmtree(folder)


class Chroot:
    """A base system, and what customisations change about it."""

    def __init__(self, user: pwd.struct_passwd, folder: Path) -> None:
        self.user, self.folder = user, folder
        self.base = folder / "system" / "base"
        self.base.parent.mkdir()
        self.base.parent.chmod(0o777)
        sources = folder / "debian.sources"
        sources.write_text(read_host())
        self._run(
            *("mmdebstrap", "--mode=unshare", "--variant=minbase", "--format=directory"),
            *(f"--include={PACKAGES.replace(' ', ',')}", "--dpkgopt=force-unsafe-io"),
            *(release_of(read_host()), f"{self.base}", f"{sources}"),
        )

    def customise(self, name: str, options: Mapping[str, object], uploads: Mapping[str, bytes] | None = None) -> Path:
        """The folder with all that is new or changed in the system. Raises StepFailed if it can't be done."""
        inputs = self.folder / f"in-{name}"
        for folder in ("custom", "uploads"):
            (inputs / folder).mkdir(parents=True)
        for file, text in files(Customisation.model_validate(options)).items():
            (inputs / file).parent.mkdir(parents=True, exist_ok=True)
            (inputs / file).write_text(text)
        for digest, content in (uploads or {}).items():
            (inputs / "uploads" / digest).write_bytes(content)
        tree = self.base.with_name(name)
        try:
            self._run(*ENTER, APPLY, "apply", *self._layers(tree), f"{inputs}")
        except sh.ErrorReturnCode as error:
            said = f"{error.stdout.decode()}{error.stderr.decode()}"
            raise StepFailed(step="customise", status=error.exit_code, tail=said) from None
        return tree

    def within(self, tree: Path, *command: str) -> str:
        """What a command says inside the system, as its root."""
        return f"{self._run(*ENTER, INSIDE, 'within', *self._layers(tree), *command)}"

    def listing(self, tree: Path) -> str:
        """Every file that is new or changed: name, kind, mode, owner, group, target, and the hash of its content."""
        return f"{self._run(*ENTER, LISTING, 'listing', f'{tree}')}"

    def remove(self) -> None:
        """Remove it all; much of it belongs to sub-uids."""
        self._run(*ENTER, 'rm -rf --one-file-system "$1"/*', "remove", f"{self.base.parent}")

    def _layers(self, tree: Path) -> tuple[str, str, str]:
        return f"{self.base}", f"{tree}", f"{tree}.top"

    def _run(self, *command: str) -> object:
        user, folder = self.user, self.base.parent
        switch = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
        whole = [*(switch if os.geteuid() == 0 else ["env"]), *command]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{folder}", "TMPDIR": f"{folder}", "LC_ALL": "C.UTF-8"}
        return sh.Command(whole[0])(*whole[1:], _env=env, _cwd=f"{folder}")
