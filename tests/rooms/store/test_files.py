"""The poster store: whole files, bounded, inside of its folder."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import GatewayError
from gateway.store.files import MAX_BYTES, PosterFiles

JPEG = b"\xff\xd8\xff" + b"picture"
TAKEN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_picture_comes_back_with_its_time(tmp_path: Path) -> None:
    store = PosterFiles(tmp_path / "posters")
    assert store.load("house", "yard") is None
    store.save("house", "yard", JPEG, TAKEN)
    assert PosterFiles(tmp_path / "posters").load("house", "yard") == (JPEG, TAKEN)
    file = tmp_path / "posters/house/yard.jpg"
    assert file.stat().st_mode & 0o777 == 0o600
    store.forget("house")
    assert store.load("house", "yard") is None


def test_what_is_no_picture_is_neither_kept_nor_shown(tmp_path: Path) -> None:
    store = PosterFiles(tmp_path)
    for bad in (b"", b"<html>", JPEG + bytes(MAX_BYTES)):
        with pytest.raises(GatewayError):
            store.save("house", "yard", bad, TAKEN)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "house").mkdir()
    (tmp_path / "house/yard.jpg").write_bytes(b"half a pict")
    assert store.load("house", "yard") is None


def test_a_reader_never_sees_half_a_picture(tmp_path: Path) -> None:
    store = PosterFiles(tmp_path)
    pictures = [JPEG + bytes([n]) * 100_000 for n in range(20)]
    store.save("house", "yard", pictures[0], TAKEN)

    def write() -> None:
        for picture in pictures:
            store.save("house", "yard", picture, TAKEN)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        found = store.load("house", "yard")
        assert found is not None
        assert found[0] in pictures
    writer.join()


def test_a_disk_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "house").write_text("a file in the way")
    with pytest.raises(GatewayError, match="cannot be written"):
        PosterFiles(tmp_path).save("house", "yard", JPEG, TAKEN)


@given(st.text() | st.sampled_from(["..", ".", "a/b", "../up", "/etc", "a\0b"]))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    path = PosterFiles(Path("/posters"))._path(name, name)
    assert path is None or path == Path(f"/posters/{name}/{name}.jpg")
    assert path is None or ".." not in path.parts
