"""A file that is replaced in one step, whatever comes in between."""

from pathlib import Path

import pytest

from gateway.kit import wholefile


def test_the_new_content_stands_there_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "place.json"
    wholefile.replace(path, b"a rather long first version")
    wholefile.replace(path, b"short", modified=1_700_000_000.0)
    assert path.read_bytes() == b"short"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mtime == 1_700_000_000.0
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_who_has_opened_the_old_one_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "place.json"
    wholefile.replace(path, b"old")
    with path.open("rb") as reader:
        wholefile.replace(path, b"new!")
        assert reader.read() == b"old"


def test_what_cannot_be_replaced_stays_and_nothing_lies_about(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        wholefile.replace(path, b"content")
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_of_a_killed_writer_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".place.json.new").write_bytes(b"half of someth")
    wholefile.replace(tmp_path / "place.json", b"whole")
    assert [one.name for one in tmp_path.iterdir()] == ["place.json"]
