"""How many files this process may hold open."""

import resource


def raise_limit() -> None:
    """Let this process open as many files as its hard limit allows: each viewer is a socket.

    The soft limit is 1024 nearly everywhere, for the sake of programs that use ``select``.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
