"""What the operating system says, in plain words."""

import asyncio
import errno
import socket

import pytest

from gateway.kit.oserrors import plainly


async def test_a_refusal_is_told_without_its_address() -> None:
    with pytest.raises(OSError, match="9") as caught:
        await asyncio.open_connection("127.0.0.1", 9)
    assert plainly(caught.value) == "connection refused"


def test_an_unknown_name_is_told_as_that() -> None:
    odd = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert plainly(odd) == "the name is not known"


def test_several_failures_are_one_sentence() -> None:
    assert plainly(OSError("Multiple exceptions: [Errno 111]")) == "none of its addresses answers"
    assert plainly(OSError(errno.EACCES, "odd")) == "permission denied"
