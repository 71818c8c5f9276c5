"""What is wrong around isobuild is one sentence and an exit code."""

import os
import subprocess
import sys

import pytest
from sites import Site

from cli.conftest import Call

STRANGER = [] if os.geteuid() else ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.mark.parametrize(
    ("url", "code", "sentence"),
    [
        ("nonsense", 2, "Setting database: 'nonsense' is not allowed: sqlite:///FILE, mariadb+pymysql://"),
        ("oracle://x/y", 2, "Setting database: 'oracle://x/y' is not allowed"),
        ("sqlite+nonsense:///x", 2, "Setting database: 'sqlite+nonsense:///x' is not allowed"),
        ("postgresql+psycopg://x@127.0.0.1:1/x", 1, "The database can't be reached: "),
        ("mariadb+pymysql://x@127.0.0.1:1/x", 1, "The database can't be reached: "),
        ("sqlite:////dev/null/x", 1, "/dev/null"),
        ("sqlite:///isobuild.toml", 1, "file is not a database"),
    ],
)
@pytest.mark.parametrize("command", ["tasks", "tick"])
def test_a_database_that_is_none(
    call: Call, site: Site, monkeypatch: pytest.MonkeyPatch, url: str, code: int, sentence: str, command: str
) -> None:
    monkeypatch.setenv("ISOBUILD_DATABASE", url)
    monkeypatch.chdir(site.home)
    (site.home / "isobuild.toml").write_text("# a comment\n" * 100)
    said = call(command)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("isobuild: ")
    assert sentence in said.err
    assert "fault of isobuild's own" not in said.err
    assert said.err.count("\n") == 1


def test_a_password_is_not_shown(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_DATABASE", "mysqlx://isobuild:s3cret@db.example.org/isobuild")
    said = call("tasks")
    assert said.code == 2
    assert "s3cret" not in said.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("slots = = 2\n", "isobuild.toml"),
        ("slotz = 2\n", "Setting slotz: 2 is not allowed"),
        ("slots = 'many'\n", "Setting slots: 'many' is not allowed"),
        ("slots = 65\n", "less than or equal to 64"),
        ("lease = 5\nheartbeat = 5\n", "less than the lease, 5 s"),
        ("[slots]\nx = 1\n", "Setting slots: "),
        ("\0", "isobuild.toml"),
    ],
)
def test_a_file_of_settings_that_is_broken(
    call: Call, site: Site, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    for name in ("ISOBUILD_LEASE", "ISOBUILD_HEARTBEAT"):
        monkeypatch.delenv(name)
    (site.home / "isobuild.toml").write_text(text)
    said = call("tasks")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert sentence in said.err
    assert "isobuild.toml" in said.err


def test_a_setting_of_the_environment_that_is_wrong(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_PORT", "ninety")
    said = call("tasks")
    assert said.code == 2
    assert "Setting port: 'ninety' is not allowed" in said.err
    assert "the environment (ISOBUILD_PORT)" in said.err


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(0o000, id="unreadable"),
        pytest.param(0o555, id="read-only", marks=pytest.mark.skipif(not STRANGER, reason="its owner opens it again")),
    ],
)
@pytest.mark.parametrize("command", ["tasks", "tick", "check", "up --port 0"])
def test_a_home_that_is_closed_to_us(site: Site, mode: int, command: str) -> None:
    (site.home / "isobuild.sqlite3").chmod(0o644)
    site.home.chmod(mode)
    said = subprocess.run(
        [*STRANGER, sys.executable, "-m", "isobuild", *command.split()],
        env=site.env, cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    site.home.chmod(0o711)
    assert said.returncode in {1, 2}
    words = said.stdout + said.stderr
    assert str(site.home) in words
    assert "Traceback" not in words
    assert "fault of isobuild's own" not in words


def test_a_home_that_is_a_file(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_HOME", "/dev/null")
    said = call("tick")
    assert said.code in {1, 2}
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_an_unknown_command(site: Site) -> None:
    assert "No such command" in site.run("build", code=2).stderr


def test_a_number_that_is_none(site: Site) -> None:
    assert "TASK" in site.run("task", "x", code=2).stderr


def test_a_runner_without_a_token(call: Call) -> None:
    said = call("run", 1)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "ISOBUILD_TOKEN" in said.err
