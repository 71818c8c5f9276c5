"""A room of its own for a command: a user namespace whose root is the build user, and where it may mount.

The other ids of the namespace are the user's sub-uids. What is mounted there, memory included, is gone with it.
"""

NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--ipc", "--uts")


def enter(*command: str) -> tuple[str, ...]:
    """The command, run as root of such a namespace; needs sub-uids, and newuidmap."""
    return ("unshare", "--user", "--map-root-user", "--map-auto", *NAMESPACES, *command)
