"""The repository's rules: small files, nothing left over, every package once, sound scripts, no registry's name."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "isobuild").rglob("*.py"))
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
LEFT_OVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
SHELL = re.compile(r"#! ?/bin/(ba|da)?sh\b")
URL = re.compile(r"\b(?:https?|ftp)://[^\s'\",\]]+")


@pytest.fixture(scope="module")
def texts(needed: Callable[[str], str]) -> dict[str, str]:
    """Every text file that is in the repository or about to be: path -> content."""
    listing = [needed("git"), "-C", str(ROOT), "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run([*listing, "-co", "--exclude-standard"], check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip(f"this is not a git checkout: {listed.stderr.strip()}")
    paths = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    contents = {name: (ROOT / name).read_bytes() for name in paths}
    return {name: content.decode(errors="replace") for name, content in contents.items() if b"\0" not in content}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: size for name, size in sizes.items() if size > 50} == {}


def test_nothing_is_left_over(texts: dict[str, str]) -> None:
    assert _lines_with(LEFT_OVER, texts) == []


def test_every_package_is_listed_once() -> None:
    groups = _packages()
    assert list(groups) == ["run", "test"]
    names = [name for packages in groups.values() for name in packages]
    assert len(names) == len(set(names))
    assert [name for name in names if not PACKAGE.fullmatch(name)] == []


def test_programs_come_with_their_packages(needed: Callable[[str], str]) -> None:
    groups = _packages()
    for packages in (groups["run"], groups["test"]):  # who runs tests has no need of the others
        for programs in packages.values():
            for program in programs:
                needed(program)


def test_shell_scripts_are_sound(texts: dict[str, str], needed: Callable[[str], str]) -> None:
    scripts = [name for name, text in texts.items() if SHELL.match(text)]
    assert scripts
    checked = subprocess.run([needed("shellcheck"), *scripts], check=False, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_no_registry_is_named(texts: dict[str, str]) -> None:
    """Packages come from wherever this machine gets them: the hosts are its own affair."""
    hosts = sorted({*_hosts_of_apt(), *_hosts_of_pip(), *_hosts_of_npm()})
    if not hosts:
        pytest.skip("no registry is configured on this machine")
    assert _lines_with(re.compile("|".join(map(re.escape, hosts))), texts) == []


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "uv.lock").read_text()


def _lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def _packages() -> dict[str, dict[str, list[str]]]:
    """deploy/packages: group -> package -> its programs."""
    groups: dict[str, dict[str, list[str]]] = {}
    for line in (ROOT / "deploy" / "packages").read_text().splitlines():
        name, _, programs = (part.strip() for part in line.partition("#"))
        if name.startswith("["):
            groups[name.strip("[]")] = {}
        elif name:
            packages = groups[list(groups)[-1]]
            assert name not in packages
            packages[name] = programs.split()
    return groups


def _hosts_of_apt() -> Iterator[str]:
    folder = Path("/etc/apt")
    for path in (folder / "sources.list", *folder.glob("sources.list.d/*")):
        if path.is_file():
            yield from _hosts(path.read_text(errors="replace"))


def _hosts_of_pip() -> Iterator[str]:
    default = "from pip._internal.models.index import PyPI; print(PyPI.url, 'https://' + PyPI.file_storage_domain)"
    for question in (["-m", "pip", "config", "list"], ["-c", default]):
        yield from _hosts(_ask(sys.executable, *question))


def _hosts_of_npm() -> Iterator[str]:
    yield from _hosts(_ask("npm", "config", "get", "registry"))


def _hosts(text: str) -> Iterator[str]:
    hosts = (urlsplit(url).hostname for url in URL.findall(text))
    yield from (host for host in hosts if host and "." in host and not host.startswith("127."))


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30).stdout
    except FileNotFoundError:
        return ""
