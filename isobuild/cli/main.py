"""The program: what goes wrong becomes a sentence and an exit code, never a traceback."""

import os
import sys
from collections.abc import Sequence

from isobuild.errors import BadInput, IsobuildError, NotFound, Refused

FAILED, BAD_INPUT, REFUSED, NOT_FOUND, INTERRUPTED = 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    try:
        _call(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `isobuild tasks | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if "ISOBUILD_TRACEBACK" in os.environ:
            raise
        print(f"isobuild: {_words(error)}", file=sys.stderr)
        return code_of(error)
    return 0


def _call(arguments: list[str]) -> None:
    if arguments == ["tick"]:  # each minute, for good: a fifth of its time would go into reading options
        from isobuild.cli.machine import tick

        tick(json=False)
    else:
        from isobuild.cli.app import app

        app(args=arguments, prog_name="isobuild", standalone_mode=True)


def _words(error: Exception) -> str:
    if isinstance(error, (IsobuildError, OSError)):
        return str(error)
    more = "This is a fault of isobuild's own; with ISOBUILD_TRACEBACK=1 it tells where."
    return f"{type(error).__name__}: {error}\n{more}"


def code_of(error: Exception) -> int:
    """The exit code for an error's kind."""
    kinds = {BadInput: BAD_INPUT, NotFound: NOT_FOUND, Refused: REFUSED}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), FAILED)
