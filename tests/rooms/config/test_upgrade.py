"""Files of another version: refused with a sentence, upgraded without losing a comment."""

from pathlib import Path

import pytest

from gateway.config.document import Document
from gateway.config.load import load
from gateway.config.schema import Kind
from gateway.config.splice import Change, Splicer
from gateway.config.upgrade import MIGRATIONS, Migration, prepare
from gateway.config.upgrade_version import CURRENT, refusal
from gateway.model.errors import ErrorKind, GatewayError

COMPANY = """\
# the company
listen: 127.0.0.1:8080   # behind the proxy
media_servers:
  # agreed with the council
  most_viewers: 300
"""
SITE = "name: Lenina 12   # the corner house\nfloors: 9\n"


def _renamed(kind: Kind, document: Document) -> Change | None:
    """Give two keys another name: a made-up migration."""
    path, old, new = {
        "gateway": (("media_servers",), "most_viewers", "max_viewers"),
        "site": ((), "floors", "storeys"),
    }[kind]
    splicer = Splicer(document)
    if not splicer.has((*path, old)):
        return None
    piece = document.data
    for part in path:
        piece = piece[part]
    return splicer.update_at(path, {old: None, new: int(piece[old])})


STEPS = (Migration("most_viewers is max_viewers now, floors are storeys", _renamed),)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yaml").write_text(COMPANY)
    (tmp_path / "gateway.yaml").chmod(0o640)
    (tmp_path / "lenina-12.yaml").write_text(SITE)
    return tmp_path


def test_there_is_a_migration_to_each_version() -> None:
    assert len(MIGRATIONS) == CURRENT - 1


def test_files_of_today_need_nothing(tmp_path: Path) -> None:
    assert not prepare(tmp_path).files
    (tmp_path / "gateway.yaml").write_text("version: 1\n")
    assert not prepare(tmp_path).files
    assert load(tmp_path, {}).problems == ()


def test_a_newer_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("listen: 0.0.0.0:80\nversion: 9\nof_tomorrow: 1\n")
    fleet = load(tmp_path, {})
    (problem,) = fleet.problems
    assert str(problem).startswith("gateway.yaml:2: version: is 9, and this gateway reads version")
    assert not fleet.settled
    with pytest.raises(GatewayError, match=r"gateway\.yaml:2: version is 9") as refused:
        prepare(tmp_path)
    assert refused.value.kind is ErrorKind.CONFIG_INVALID
    assert "install that one" in refused.value.hint


@pytest.mark.parametrize("written", ["0", "-1", "soon", "1.5", "[1]"])
def test_what_is_no_version_is_told(tmp_path: Path, written: str) -> None:
    (tmp_path / "gateway.yaml").write_text(f"version: {written}\n")
    (problem,) = load(tmp_path, {}).problems
    assert problem.key == "version"
    with pytest.raises(GatewayError, match=r"gateway\.yaml:1: version is no whole"):
        prepare(tmp_path)


def test_an_older_file_is_not_read_and_the_command_is_named() -> None:
    assert "gateway upgrade-config" in str(refusal({}, current=2))
    assert refusal({"version": "2"}, current=2) is None


def test_an_upgrade_keeps_comments_modes_and_the_old_files(directory: Path) -> None:
    upgrade = prepare(directory, STEPS)
    assert (directory / "gateway.yaml").read_text() == COMPANY  # until it is written
    assert "-  most_viewers: 300" in upgrade.files[-1].diff
    assert "+  max_viewers: 300" in upgrade.files[-1].diff
    kept = upgrade.write()
    assert (directory / "gateway.yaml").read_text() == (
        COMPANY.replace("most_viewers", "max_viewers") + "version: 2\n"
    )
    assert (directory / "lenina-12.yaml").read_text() == SITE.replace("floors", "storeys")
    assert {path.name: path.read_text() for path in kept} == {
        "gateway.yaml.v1": COMPANY,
        "lenina-12.yaml.v1": SITE,
    }
    for name in ("gateway.yaml", "gateway.yaml.v1"):
        assert (directory / name).stat().st_mode & 0o777 == 0o640
    assert not prepare(directory, STEPS).files


def test_an_upgrade_that_was_cut_off_is_run_again(directory: Path) -> None:
    upgrade = prepare(directory, STEPS)
    (directory / "lenina-12.yaml.v1").write_text(SITE)
    (directory / "lenina-12.yaml").write_bytes(upgrade.files[0].new)
    again = prepare(directory, STEPS)
    assert [file.name for file in again.files] == ["gateway.yaml"]
    again.write()
    assert (directory / "lenina-12.yaml.v1").read_text() == SITE
    assert not prepare(directory, STEPS).files


def test_a_change_of_somebody_else_is_kept(directory: Path) -> None:
    upgrade = prepare(directory, STEPS)
    (directory / "lenina-12.yaml").write_text(SITE + "# mine\n")
    with pytest.raises(GatewayError, match="was changed while it was upgraded"):
        upgrade.write()
    assert (directory / "lenina-12.yaml").read_text() == SITE + "# mine\n"
    assert (directory / "gateway.yaml").read_text() == COMPANY


def test_a_company_without_a_file_gets_one(tmp_path: Path) -> None:
    assert prepare(tmp_path, STEPS).write() == []
    assert (tmp_path / "gateway.yaml").read_text() == "version: 2\n"


def test_a_broken_file_is_named_and_nothing_is_written(directory: Path) -> None:
    (directory / "lenina-12.yaml").write_text("name: [\n")
    with pytest.raises(GatewayError, match=r"lenina-12\.yaml:"):
        prepare(directory, STEPS)
    assert sorted(path.name for path in directory.iterdir()) == ["gateway.yaml", "lenina-12.yaml"]
