"""A media server sweeps up after itself while it serves."""

import gc

from tests.rooms.mediaserver.shell.conftest import Served


def test_full_sweeps_leave_out_what_the_start_has_made(server: Served) -> None:
    assert server.http
    assert gc.get_freeze_count() > 0
