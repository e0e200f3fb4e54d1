"""What the operating system has against something, in words for people."""

import os
import socket


def plainly(error: OSError) -> str:
    """Return why, in small letters, without the addresses that asyncio puts in between."""
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if error.errno is None:  # several addresses were tried, each with its own reason
        return "none of its addresses answers"
    return os.strerror(error.errno).lower()
