"""Each setting by file and by environment; each bad value named with what it is and where it stands."""

import getpass
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from isobuild.config import Settings, config_file, default_home, load, resource
from isobuild.errors import InvalidSetting
from isobuild.values import Pace

GOOD: dict[str, tuple[str, str, Any]] = {  # as in the file, as in the environment, as it is then
    "home": ('"/srv/iso"', "/srv/iso", Path("/srv/iso")),
    "database": ('"postgresql://h/n"', "postgresql://h/n", "postgresql://h/n"),
    "host": ('"oven-1.example"', "oven-1.example", "oven-1.example"),
    "slots": ("4", "4", 4),
    "launch": ("false", "no", False),
    "queues": ('["fast", "slow"]', "fast, slow", ("fast", "slow")),
    "build_users": ('["one", "two"]', "one two", ("one", "two")),
    "run_as_user": ('"/usr/lib/run.sh"', "/usr/lib/run.sh", Path("/usr/lib/run.sh")),
    "max_attempts": ("3", "3", 3),
    "retry_delay": ("0.5", "0.5", 0.5),
    "time_limit": ("60", "60", 60.0),
    "memory": ("1048576", "1048576", 1 << 20),
    "processes": ("20", "20", 20),
    "file_size": ("2097152", "2097152", 2 << 20),
    "boot_test": ('"yes"', "yes", "yes"),
    "cache_size": ("0", "0", 0),
    "base_url": ('"https://isos.example.org"', "https://isos.example.org", "https://isos.example.org"),
    "log_size": ("1048576", "1048576", 1 << 20),
    "upload_size": ("1048576", "1048576", 1 << 20),
    "keep_uploads_days": ("3", "3", 3.0),
    "lease": ("120", "120", 120.0),
    "heartbeat": ("5.5", "5.5", 5.5),
    "resolve": ("false", "no", False),
    "updates_hours": ("12", "12", 12.0),
    "fair": ("true", "yes", True),
    "recipe_limits": ("{debian-live = 2, tiny = 4}", "debian-live=2, tiny=4", {"debian-live": 2, "tiny": 4}),
    "orders_per_user": ('"20 per day"', "20 per  24 hours", Pace(20, 86400)),
    "buckets": ('{mirror = "10 per hour"}', " mirror=10 per 60 minutes,", {"mirror": Pace(10, 3600)}),
    "draws": ("{}", ",", {}),  # with buckets to draw from, below
    "keep_days": ("7", "7", 7.0),
    "keep_rows_days": ("365", "365", 365.0),
    "keep_logs_days": ("0.5", "0.5", 0.5),
    "keep_history_days": ("30", "30", 30.0),
    "keep_room": ("10737418240", "10737418240", 10 << 30),
    "bind": ('"127.0.0.2"', "127.0.0.2", "127.0.0.2"),
    "port": ("0", "0", 0),
}
BAD: dict[str, list[tuple[str, str]]] = {  # a value, and a word of what is allowed
    "host": [("two words", "pattern"), ("x" * 65, "pattern")],
    "slots": [("-1", "greater than or equal to 0"), ("65", "less than or equal to 64"), ("many", "valid integer")],
    "launch": [("never", "valid boolean")],
    "queues": [(" , ", "at least 1 item")],
    "build_users": [(" ", "at least 1 item")],
    "max_attempts": [("0", "greater than or equal to 1"), ("101", "less than or equal to 100"), ("1.5", "integer")],
    "retry_delay": [("0", "greater than 0"), ("-1", "greater than 0"), ("nan", ""), ("soon", "valid number")],
    "time_limit": [("0", "greater than 0"), ("2592001", "less than or equal to 2592000"), ("inf", "")],
    "memory": [("1048575", "greater than or equal to 1048576"), ("8G", "valid integer")],
    "processes": [("19", "greater than or equal to 20")],
    "file_size": [("0", "greater than or equal to 1048576")],
    "cache_size": [("-1", "greater than or equal to 0")],
    "boot_test": [("maybe", "'auto', 'yes' or 'no'")],
    "log_size": [("0", "greater than or equal to 1048576")],
    "upload_size": [("0", "greater than or equal to 1048576"), ("8 GiB", "valid integer")],
    "keep_uploads_days": [("-1", "greater than or equal to 0")],
    "lease": [("0", "greater than 0"), ("long", "valid number")],
    "heartbeat": [("0", "greater than 0"), ("60", "less than the lease, 60 s"), ("61", "less than the lease")],
    "fair": [("perhaps", "valid boolean")],
    "recipe_limits": [("tiny", "NAME=VALUE, NAME=VALUE"), ("tiny=1, tiny=2", "each name once")],
    "orders_per_user": [
        (given, "a number and a period, such as '20 per day'")
        for given in (
            "20",
            "many per day",
            "0 per day",
            "-1 per day",
            "1.5 per day",
            "5 per month",
            "5 per 0 days",
            "per day",
        )
    ],
    "buckets": [("mirror", "NAME=VALUE")],
    "draws": [("mirror", "NAME=VALUE")],
    "keep_days": [("-1", "greater than or equal to 0"), ("x", "valid number")],
    "keep_rows_days": [("36601", "less than or equal to 36600")],
    "keep_logs_days": [("-1", "greater than or equal to 0")],
    "keep_history_days": [("nan", "less than or equal to 36600")],
    "keep_room": [("-1", "greater than or equal to 0"), ("10G", "valid integer")],
    "port": [("65536", "less than or equal to 65535"), ("-1", "greater than or equal to 0"), ("http", "integer")],
}
BAD_VALUES = [(name, given, allowed) for name, values in BAD.items() for given, allowed in values]


def write(home: Path, text: str) -> Path:
    file = home / "isobuild.toml"
    file.write_text(text)
    return file


def refused(**given: Any) -> str:
    with pytest.raises(InvalidSetting) as wrong:
        load(**given)
    return str(wrong.value)


def test_every_setting_is_tried_here_and_says_what_it_is() -> None:
    assert set(GOOD) == set(Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_of_the_file(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_file, _, value = GOOD[name]
    monkeypatch.setenv("ISOBUILD_CONFIG", str(write(home, f"{name} = {in_file}\n")))
    monkeypatch.delenv("ISOBUILD_HOME")  # which would win
    assert getattr(load(), name) == value


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_of_the_environment_wins_over_the_file(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, in_environment, value = GOOD[name]
    if name != "home":  # which says where the file is
        write(home, f'{name} = "something else"\n')
    monkeypatch.setenv(f"ISOBUILD_{name.upper()}", in_environment)
    assert getattr(load(), name) == value


@pytest.mark.parametrize("name", GOOD)
def test_what_the_command_line_gives_wins_over_all(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, value = GOOD[name]
    if name != "home":
        monkeypatch.setenv(f"ISOBUILD_{name.upper()}", "something else")
    assert getattr(load(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "given", "allowed"), BAD_VALUES)
def test_a_bad_value_of_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: str, allowed: str
) -> None:
    monkeypatch.setenv(f"ISOBUILD_{name.upper()}", given)
    words = refused()
    assert words.startswith(f"Setting {name}: ")
    assert allowed in words
    assert words.endswith(f"It comes from the environment (ISOBUILD_{name.upper()}).")


@pytest.mark.parametrize(("name", "given", "allowed"), BAD_VALUES)
def test_a_bad_value_of_the_file(home: Path, name: str, given: str, allowed: str) -> None:
    file = write(home, f'{name} = "{given}"\n')
    words = refused()
    assert words.startswith(f"Setting {name}: ")
    assert allowed in words
    assert words.endswith(f"It comes from {file}.")


def test_a_bad_value_names_what_was_given(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_PORT", "http")
    assert refused().startswith("Setting port: 'http' is not allowed: ")
    assert "the command line" in refused(port="gopher")


def test_the_heartbeat_is_less_than_the_lease_whichever_is_set(home: Path) -> None:
    assert load(lease=10.5).lease == 10.5
    assert "heartbeat: 10.0 is not allowed: less than the lease, 10 s" in refused(lease=10)


@pytest.mark.parametrize("line", ["slot = 2", "SLOTS = 2", "[server]\nport = 1"])
def test_an_unknown_name_in_the_file_is_refused(home: Path, line: str) -> None:
    file = write(home, line)
    words = refused()
    assert words.startswith(f"Setting {line.partition(' ')[0].partition(']')[0].strip('[')}: ")
    assert "not permitted" in words
    assert str(file) in words


@pytest.mark.parametrize("text", ["port = ", "port: 1", "\x00", 'host = "unclosed'])
def test_a_file_that_is_no_toml_is_refused(home: Path, text: str) -> None:
    file = write(home, text)
    assert refused().startswith(f"Setting file: '{file}' is not allowed: ")


def test_a_file_that_is_no_text_is_refused(home: Path) -> None:
    (home / "isobuild.toml").write_bytes(b'host = "\xff\xfe"')
    assert refused().startswith("Setting file: ")


def test_a_file_that_cannot_be_read_is_refused(home: Path) -> None:
    (home / "isobuild.toml").mkdir()
    assert refused().startswith("Setting file: ")


def test_an_empty_variable_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_PORT", "")
    assert load().port == Settings.model_fields["port"].default


def test_without_anything_it_works(home: Path) -> None:
    settings = load()
    assert (settings.home, settings.host) == (home.resolve(), socket.gethostname())
    assert settings.database_url == f"sqlite:///{home.resolve()}/isobuild.sqlite3"
    assert settings.heartbeat < settings.lease
    for path, name in (("store", "store"), ("workspaces", "work"), ("logs", "logs"), ("nudges", "nudge")):
        assert getattr(settings, path) == home.resolve() / name


def test_settings_do_not_change(home: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().slots = 2  # type: ignore[misc]


def test_the_file_may_lie_elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_file() == home / "isobuild.toml"
    monkeypatch.setenv("ISOBUILD_CONFIG", str(tmp_path / "other.toml"))
    (tmp_path / "other.toml").write_text("port = 99\n")
    assert config_file() == tmp_path / "other.toml"
    assert load().port == 99


def test_the_home_of_nobody_in_particular(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISOBUILD_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/isobuild")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", f"/home/{getpass.getuser()}")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_home() == Path(f"/home/{getpass.getuser()}/.local/state/isobuild")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/x/state")
    assert default_home() == Path("/home/x/state/isobuild")


def test_a_home_may_be_relative_or_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISOBUILD_HOME", "link")
    assert load().home == (tmp_path / "real").resolve()


def test_what_is_shipped_is_found() -> None:
    assert (resource("migrations") / "versions").is_dir()
    assert (resource("scripts") / "run_as_user.sh").is_file()


def test_a_home_that_is_given_has_its_own_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'database = "postgresql://everybody/s"\nport = 99\n')
    monkeypatch.setenv("ISOBUILD_CONFIG", str(home / "isobuild.toml"))
    file = write(tmp_path, "slots = 3\n")
    for given in (tmp_path, str(tmp_path)):
        settings = load(home=given)
        assert (settings.home, settings.slots, settings.port) == (tmp_path.resolve(), 3, 8410)
        assert settings.database_url == f"sqlite:///{tmp_path.resolve()}/isobuild.sqlite3"
    write(tmp_path, "slots = 99\n")
    assert refused(home=tmp_path).endswith(f"It comes from {file}.")


def test_the_environment_counts_whatever_home_is_given(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'database = "sqlite:////srv/own"\n')
    monkeypatch.setenv("ISOBUILD_DATABASE", "postgresql://everybody/s")
    assert load(home=tmp_path).database == "postgresql://everybody/s"


@pytest.mark.parametrize(
    ("queues", "usual"), [("high, default, low", "default"), ("release, nightly", "release"), ("default", "default")]
)
def test_the_usual_queue(home: Path, monkeypatch: pytest.MonkeyPatch, queues: str, usual: str) -> None:
    monkeypatch.setenv("ISOBUILD_QUEUES", queues)
    assert load().usual_queue == usual
