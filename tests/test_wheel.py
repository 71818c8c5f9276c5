"""The wheel holds all that an installed isobuild needs."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

TOP = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, far from the source."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def isobuild(installed: Path, home: Path, *arguments: str) -> str:
    env = os.environ | {"PYTHONPATH": str(installed), "ISOBUILD_HOME": str(home)}
    command = [sys.executable, "-m", "isobuild", *arguments]
    return subprocess.run(command, env=env, cwd=home, check=True, capture_output=True, text=True).stdout


def test_an_installed_isobuild_makes_its_database(installed: Path, home: Path) -> None:
    where = "import isobuild; print(isobuild.__file__)"
    env = os.environ | {"PYTHONPATH": str(installed)}
    found = subprocess.run([sys.executable, "-c", where], env=env, cwd=home, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == str(installed / "isobuild/__init__.py")
    isobuild(installed, home, "db", "upgrade")
    assert isobuild(installed, home, "db", "current") == "0003_images\n"


def test_an_installed_isobuild_has_its_recipes(installed: Path, home: Path) -> None:
    assert "grub-mkimage" in isobuild(installed, home, "recipe", "debian-live")


@pytest.mark.parametrize(
    "name",
    [
        "scripts/run_as_user.sh", "deploy/packages", "migrations/env.py", "web/templates/tasks.html",
        "web/static/style.css", "image/live/make.sh", "image/custom/sh/apply.sh", "image/prove.py",
    ],
)  # fmt: skip
def test_the_wheel_ships(installed: Path, name: str) -> None:
    shipped = installed / "isobuild" / name
    assert shipped.is_file()
    source = TOP / name if (TOP / name).exists() else TOP / "isobuild" / name
    assert shipped.read_bytes() == source.read_bytes()
    assert name != "scripts/run_as_user.sh" or os.access(source, os.X_OK)
