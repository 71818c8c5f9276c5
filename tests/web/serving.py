"""The page in a process of its own, over a home that a test keeps."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from isobuild import site
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.web.app import create_app


@contextmanager
def serve(home: Path) -> Iterator[tuple[str, int]]:
    """The address of a page over this home, and its process."""
    command = [sys.executable, __file__, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip(), process.pid
        process.terminate()


def main() -> None:
    """Serve until terminated, and tell the address."""
    settings = Settings(home=Path(sys.argv[1]), resolve=False)  # no network
    app = create_app(site.desk(settings, Database(settings.database_url), "dikyos"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


if __name__ == "__main__":
    main()
