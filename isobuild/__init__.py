"""isobuild builds custom Linux ISOs on request.

A person orders an ISO: a task (domain). A tick, each minute and at once, gives it a build and launches that
(tick, clock, launchers). The runner carries the build: a recipe's steps, which make images, run as an
unprivileged user (runner, recipes, image). The finished file goes into the store, the callback makes the task
ready, and its owner downloads it with all that proves it, from the command line, the page or a program (store, trust,
cli, web, client).
"""

from typing import TYPE_CHECKING, Any

from isobuild.version import VERSION

if TYPE_CHECKING:
    from isobuild.client import Client as Client
    from isobuild.client import Task as Task
    from isobuild.client import order as order

__version__ = VERSION
__all__ = ["Client", "Task", "__version__", "order"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from isobuild import client  # only for those who ask: a tick must not wait for it

    return getattr(client, name)
