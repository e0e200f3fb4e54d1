"""One gateway per data folder."""

import os
from pathlib import Path

import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.store.lock import DataFolder


def test_a_second_gateway_is_told_who_has_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with DataFolder(folder), pytest.raises(GatewayError) as caught, DataFolder(folder):
        pass
    assert caught.value.kind is ErrorKind.CONFLICT
    assert f"process {os.getpid()}" in caught.value.message
    with DataFolder(folder):
        assert (folder / "gateway.lock").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(GatewayError, match="cannot be used"), DataFolder(tmp_path / "data"):
        pass
