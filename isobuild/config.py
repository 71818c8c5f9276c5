"""Settings: `isobuild.toml` and ISOBUILD_*; read once, then passed."""

import os
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from isobuild.errors import InvalidSetting
from isobuild.values import Counts, Labels, Lanes, OnePace, Paces, Words

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().resolve())]  # builds get its true path
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Days = Annotated[float, Field(ge=0, le=100 * 366)]
Bytes = Annotated[int, Field(ge=1 << 20)]


def default_home() -> Path:
    """`$ISOBUILD_HOME`; else /var/lib/isobuild for root, the user's XDG state folder for anybody else."""
    if home := os.environ.get("ISOBUILD_HOME"):
        return Path(home).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/isobuild")
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "isobuild"


class Settings(BaseModel):
    """What a site may set, in `isobuild.toml` (plain `name = value` lines) or the environment (ISOBUILD_NAME)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Folder = Field(
        default_factory=default_home, description="the one folder that holds everything isobuild keeps"
    )
    database: str = Field("", description="SQLAlchemy URL of the database; empty: SQLite in the home")
    host: str = Field(
        default_factory=socket.gethostname, pattern=r"^[\w.-]{1,64}$", description="this host's name in the database"
    )
    slots: int = Field(1, ge=0, le=64, description="builds at a time on this host")
    launch: bool = Field(True, description="the tick starts builds on this host; false: loops do it all")
    queues: Lanes = Field(("high", "default", "low"), min_length=1, description="the queues, in their order")
    build_users: Words = Field(
        ("isobuild-build",), min_length=1, description="the users that builds run as, one for each slot in turn"
    )
    run_as_user: Path | None = Field(None, description="the script with root rights; empty: the one isobuild ships")
    max_attempts: int = Field(5, ge=1, le=100, description="failed attempts after which a task is failed")
    retry_delay: Seconds = Field(30.0, description="seconds before the second attempt; doubled for each one after it")
    time_limit: Seconds = Field(2 * 3600.0, description="seconds that one build may take")
    memory: Bytes = Field(8 << 30, description="bytes of memory that one process of a build may use")
    processes: int = Field(1000, ge=20, description="processes that a build may have")
    file_size: Bytes = Field(32 << 30, description="bytes that one file of a build may have")
    boot_test: Literal["auto", "yes", "no"] = Field(
        "auto", description="boot each ISO; auto: where QEMU is, if its recipe tells how; no: if its order says so"
    )
    log_size: Bytes = Field(64 << 20, description="bytes of a build's log that are kept; what comes later is dropped")
    cache_size: int = Field(20 << 30, ge=0, description="bytes of packages and stages kept for other builds; 0: none")
    lease: Seconds = Field(60.0, description="seconds until a silent runner of another host is taken for lost")
    heartbeat: Seconds = Field(10.0, description="seconds between two heartbeats of a runner; less than the lease")
    resolve: bool = Field(True, description="look up the packages of an order before it is queued")
    updates_hours: float = Field(
        24, ge=0, le=24 * 366, description="hours between two looks for newer packages of ready ISOs; 0: never"
    )
    fair: bool = Field(False, description="among equals, the user with the fewest builds lately goes first")
    recipe_limits: Counts = Field({}, description="builds of a recipe at a time, on all hosts together")
    orders_per_user: OnePace | None = Field(None, description="what each user may order; none: as much as he likes")
    buckets: Paces = Field({}, description="buckets of tokens that builds draw from, and how fast they refill")
    draws: Labels = Field({}, description="the bucket that each build of a recipe takes a token from")
    upload_size: Bytes = Field(8 << 30, description="bytes that one upload may have")
    keep_uploads_days: Days = Field(7, description="days that an upload is kept which no task names; 0: for good")
    keep_days: Days = Field(0, description="days that a ready ISO is kept; 0: for good")
    keep_rows_days: Days = Field(0, description="days that a task that has no ISO is kept after its end; 0: for good")
    keep_logs_days: Days = Field(0, description="days that a build's log is kept after its end; 0: for good")
    keep_history_days: Days = Field(0, description="days that history is kept, and ended runners; 0: for good")
    keep_room: int = Field(0, ge=0, description="bytes to keep free on the store's disk: the oldest ISOs go; 0: none")
    base_url: str = Field(
        "", pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
        description="the address at which others reach the page, for torrents; empty: none",
    )  # fmt: skip
    bind: str = Field("127.0.0.1", description="the loopback address of the page")
    port: int = Field(8410, ge=0, le=65535, description="the port of the page; 0: any free one")

    @property
    def database_url(self) -> str:
        """The URL of the database that is meant."""
        return self.database or f"sqlite:///{self.home / 'isobuild.sqlite3'}"

    @property
    def usual_queue(self) -> str:
        """Where an order goes that names no queue."""
        return "default" if "default" in self.queues else self.queues[0]

    @property
    def store(self) -> Path:
        """Where finished ISOs live."""
        return self.home / "store"

    @property
    def workspaces(self) -> Path:
        """Where builds happen, a folder each."""
        return self.home / "work"

    @property
    def uploads(self) -> Path:
        """What people brought for their ISOs."""
        return self.home / "uploads"

    @property
    def cache(self) -> Path:
        """What builds made that others can use."""
        return self.home / "cache"

    @property
    def archives(self) -> Path:
        """What archives of packages said last."""
        return self.home / "archives"

    @property
    def logs(self) -> Path:
        """Where builds' logs are kept."""
        return self.home / "logs"

    @property
    def signing(self) -> Path:
        """The key that signs ISOs."""
        return self.home / "signing"

    def web_seed(self, task: int) -> str:
        """The address of the folder where a task's files can be fetched; empty if nobody outside knows one."""
        return f"{self.base_url.rstrip('/')}/download/{task}" if self.base_url else ""

    @property
    def instance(self) -> Path:
        """The name of this installation."""
        return self.home / "instance"

    @property
    def nudges(self) -> Path:
        """The pipe that wakes the daemon of this home."""
        return self.home / "nudge"


def config_file(home: str | Path | None = None) -> Path:
    """`isobuild.toml` in this home; if none is given, `$ISOBUILD_CONFIG` or the one in the default home."""
    if home:
        return Path(home).expanduser().absolute() / "isobuild.toml"
    return Path(os.environ.get("ISOBUILD_CONFIG") or default_home() / "isobuild.toml")


def load(**given: Any) -> Settings:
    """The settings of this process: what is given wins over the environment, and that over the file.

    The file is that of the home that is given, if one is; the environment counts all the same.
    Raises InvalidSetting, with the first one that is wrong and where it stands.
    """
    file = config_file(given.get("home"))
    try:
        settings = Settings(**_read_file(file) | _read_environment() | given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidSetting(
            field=field, given=first["input"], allowed=first["msg"], source=_source(field, given, file)
        ) from error
    for field, wrong, allowed in _misfits(settings):
        raise InvalidSetting(field=field, given=wrong, allowed=allowed, source=_source(field, given, file))
    return settings


def _misfits(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """What does not go with another setting: the field, its value, what is allowed."""
    if settings.heartbeat >= settings.lease:
        yield "heartbeat", settings.heartbeat, f"less than the lease, {settings.lease:g} s"
    for recipe, bucket in settings.draws.items():
        if bucket not in settings.buckets:
            yield f"draws.{recipe}", bucket, f"one of the buckets: {', '.join(settings.buckets) or 'there is none'}"


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidSetting(field="file", given=str(file), allowed=str(error), source="the file") from error


def _read_environment() -> dict[str, Any]:
    """Other variables may be called ISOBUILD_ too: those of a build, say."""
    names = {f"ISOBUILD_{name.upper()}": name for name in Settings.model_fields}
    return {names[variable]: value for variable, value in os.environ.items() if variable in names and value}


def _source(field: str, given: dict[str, Any], file: Path) -> str:
    name = field.partition(".")[0]
    if name in given:
        return "the command line"
    variable = f"ISOBUILD_{name.upper()}"
    return f"the environment ({variable})" if variable in os.environ else str(file)


def resource(name: str) -> Path:
    """A file or folder that lies at the top of the source tree, and inside the package in a wheel."""
    package = Path(__file__).parent
    shipped = package / name
    return shipped if shipped.exists() else package.parent / name


def executable() -> list[str]:
    """How this isobuild is started again, as an argument list."""
    return [sys.executable, "-m", "isobuild"]
