"""Which port a media server gets: its old one if it can, never one that is in use."""

import socket

import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.mediaports import choose


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_in_use_is_passed_over(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as used:
        used.bind(("127.0.0.1", 0))
        port = used.getsockname()[1]
        if kind is socket.SOCK_STREAM:
            used.listen()
        with pytest.raises(GatewayError) as caught:
            choose((port, port), taken=(), wanted=port, address="127.0.0.1")
    assert caught.value.kind is ErrorKind.CONTAINER_FAILED
    assert "media_ports" in caught.value.hint
    assert choose((port, port), taken=(), wanted=None, address="127.0.0.1") == port


def test_the_old_port_is_kept_and_others_are_left_alone() -> None:
    assert choose((21800, 21810), taken={21800}, wanted=21805, address="127.0.0.1") == 21805
    assert choose((21800, 21810), taken={21800}, wanted=None, address="127.0.0.1") != 21800
    assert choose((21800, 21810), taken=(), wanted=99, address="127.0.0.1") != 99
