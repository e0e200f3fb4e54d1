"""Edits change only the lines that must change, and lose nobody's work."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.edit import Edit, SiteFiles
from gateway.config.load import load
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Pull
from tests.waiting import until

COMMENTED = """\
# The house on the corner
name:   {ru: "Ленина, 12",  en: 'Lenina 12'}   # shown to residents
discovery:
    subnets: [10.12.0.0/24,     # cameras
              10.12.1.0/24]
    credentials:
        - {username: viewer, password: {env: CAMERAS}}
cameras:
  # The front door, since 2021
  - {id: entrance-1, name: {ru: "Подъезд 1"}, onvif: 10.12.0.21}   # Hikvision

  # Seen from the roof
  - id:   yard        # the big one
    name: 'Двор'
    rtsp: "rtsp://10.12.0.22:554/stream2"
    # pull: on_demand

# Who may watch
viewing: {access: ticket}
"""


@pytest.fixture
def files(tmp_path: Path) -> SiteFiles:
    write(tmp_path, COMMENTED)
    return SiteFiles(tmp_path, environment={"CAMERAS": "planted"})


def write(directory: Path, text: str, site: str = "lenina-12") -> Path:
    path = directory / f"{site}.yaml"
    path.write_bytes(text.encode())
    return path


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def changed(edit: Edit) -> list[str]:
    """Return the lines of a diff that went and came."""
    return [
        line
        for line in edit.diff.splitlines()
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]


def test_added_camera_follows_the_last_one_in_its_style(files: SiteFiles, tmp_path: Path) -> None:
    camera = {"id": "roof", "name": {"ru": "Крыша: 1"}, "onvif": "10.12.0.23:8080", "rtsp": None}
    edit = files.add_camera("lenina-12", camera)
    assert changed(edit) == [
        "+  - id: roof",
        '+    name: {ru: "Крыша: 1"}',
        "+    onvif: 10.12.0.23:8080",
        "+",
    ]
    after = (tmp_path / "lenina-12.yaml").read_text()
    assert (
        after.index("# pull: on_demand") < after.index("id: roof") < after.index("# Who may watch")
    )
    fleet = load(tmp_path, {"CAMERAS": "x"})
    assert fleet.problems == ()
    assert [camera.id for camera in fleet.sites["lenina-12"].cameras][-1] == "roof"


def test_rename_touches_one_text_and_keeps_its_quotes(files: SiteFiles) -> None:
    assert changed(files.change_camera("lenina-12", "yard", {"name": "Ворота"})) == [
        "-    name: 'Двор'",
        "+    name: 'Ворота'",
    ]
    assert changed(files.change_camera("lenina-12", "entrance-1", {"name": {"ru": "Вход"}})) == [
        '-  - {id: entrance-1, name: {ru: "Подъезд 1"}, onvif: 10.12.0.21}   # Hikvision',
        '+  - {id: entrance-1, name: {ru: "Вход"}, onvif: 10.12.0.21}   # Hikvision',
    ]


def test_disable_and_enable(files: SiteFiles, tmp_path: Path) -> None:
    off = files.change_camera("lenina-12", "entrance-1", {"enabled": False})
    assert changed(off)[1].endswith("onvif: 10.12.0.21, enabled: false}   # Hikvision")
    yard = files.change_camera("lenina-12", "yard", {"enabled": False})
    assert changed(yard) == ["+    enabled: false"]
    site = files.change_site("lenina-12", {"enabled": False})
    assert changed(site) == ["+enabled: false"]
    loaded = load(tmp_path, {"CAMERAS": "x"}).sites["lenina-12"]
    assert not loaded.enabled
    assert not any(camera.enabled for camera in loaded.cameras)
    files.change_camera("lenina-12", "yard", {"enabled": None})
    assert changed(files.change_site("lenina-12", {"enabled": None})) == ["-enabled: false"]


def test_enabling_what_is_enabled_changes_nothing(files: SiteFiles) -> None:
    _, version = files.read("lenina-12")
    edit = files.change_camera("lenina-12", "yard", {"enabled": None})
    assert (edit.diff, edit.version) == ("", version)


def test_replaced_camera_loses_the_old_addresses(files: SiteFiles) -> None:
    edit = files.replace_camera("lenina-12", "yard", {"onvif": "10.12.0.40"})
    assert changed(edit) == [
        '-    rtsp: "rtsp://10.12.0.22:554/stream2"',
        "+    onvif: 10.12.0.40",
    ]
    edit = files.replace_camera("lenina-12", "entrance-1", {"rtsp": "rtsp://10.12.0.41/s1"})
    assert changed(edit)[1] == (
        '+  - {id: entrance-1, name: {ru: "Подъезд 1"}, rtsp: "rtsp://10.12.0.41/s1"}   # Hikvision'
    )


def test_removed_camera_takes_its_own_comment_along(files: SiteFiles) -> None:
    edit = files.remove_camera("lenina-12", "entrance-1")
    assert changed(edit)[:2] == [
        "-  # The front door, since 2021",
        '-  - {id: entrance-1, name: {ru: "Подъезд 1"}, onvif: 10.12.0.21}   # Hikvision',
    ]
    assert all("roof" not in line for line in changed(edit))
    last = files.remove_camera("lenina-12", "yard")
    assert "+cameras: []" in changed(last)
    again = files.add_camera("lenina-12", {"id": "a", "name": "A", "onvif": "10.12.0.2"})
    assert changed(again) == [
        "-cameras: []",
        "+cameras:",
        "+  - {id: a, name: A, onvif: 10.12.0.2}",
    ]


LAYOUTS = {
    "missing": "name: A\n",
    "no line break at the end": "name: A",
    "empty value": "name: A\ncameras:\nenabled: true\n",
    "empty value, comment": "name: A\ncameras:   # none yet\n",
    "empty list": "name: A\ncameras: []   # none yet\nenabled: true\n",
    "bracketed": "name: A\ncameras: [{id: x, name: X, onvif: 10.0.0.1}]\n",
    "bracketed, trailing comma": "name: A\ncameras: [{id: x, name: X, onvif: 10.0.0.1},]\n",
    "bracketed, many lines": "name: A\ncameras: [\n  {id: x, name: X, onvif: 10.0.0.1},\n"
    "  {id: y, name: Y, onvif: 10.0.0.2} # the yard\n]\n",
    "dash at the margin": "name: A\ncameras:\n- {id: x, name: X, onvif: 10.0.0.1}\nenabled: true\n",
    "no line break after the last": "name: A\ncameras:\n- id: x\n  name: X\n  onvif: 10.0.0.1",
    "windows": "name: A\r\ncameras:\r\n  - {id: x, name: X, onvif: 10.0.0.1}\r\nenabled: true\r\n",
    "byte order mark": "\ufeffname: Ж\ncameras:\n  - {id: x, name: Ж, onvif: 10.0.0.1}\n",
    "wide dash": "name: A\ncameras:\n  -   id: x\n      name: {ru: Ю}\n      onvif: 10.0.0.1\n#\n",
    "name on lines": "name: A\ncameras:\n  - name:\n      ru: Ю\n      en: X\n    id: x\n"
    "    onvif: 10.0.0.1\n",
    "bracketed file": '{name: A, cameras: [{id: x, name: X, "onvif": 10.0.0.1}]}\n',
    "document marks": "---\nname: A\ncameras:\n  - {id: x, name: X, onvif: 10.0.0.1}\n...\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_can_be_edited_and_restored(layout: str, tmp_path: Path) -> None:
    path = write(tmp_path, LAYOUTS[layout])
    before = path.read_bytes()
    ids = [camera.id for camera in load(tmp_path, {}).sites["lenina-12"].cameras]
    files = SiteFiles(tmp_path, environment={})
    files.add_camera("lenina-12", {"id": "new", "name": "Ы", "rtsp": "rtsp://10.0.0.9:554/a?b=1"})
    kept = set(before.splitlines())
    lost = kept - set(path.read_bytes().splitlines())
    assert len(lost) <= 1
    files.change_camera("lenina-12", "new", {"pull": "on_demand", "name": {"ru": "Ы", "no": "N"}})
    files.change_camera("lenina-12", "new", {"enabled": False})
    fleet = load(tmp_path, {})
    assert fleet.errors == ()
    cameras = fleet.sites["lenina-12"].cameras
    assert [camera.id for camera in cameras] == [*ids, "new"]
    assert cameras[-1].pull is Pull.ON_DEMAND
    assert not cameras[-1].enabled
    assert cameras[-1].name.pick("no") == "N"
    if "\r\n" in LAYOUTS[layout]:
        assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    for name in ids:
        files.change_camera("lenina-12", name, {"name": {"ru": "Й"}})
        files.replace_camera("lenina-12", name, {"rtsp": f"rtsp://10.0.0.77/{name}"})
    files.remove_camera("lenina-12", "new")
    assert [camera.id for camera in load(tmp_path, {}).sites["lenina-12"].cameras] == ids
    for name in ids:
        files.remove_camera("lenina-12", name)
    assert load(tmp_path, {}).sites["lenina-12"].cameras == ()


def refusal(call: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        call()
    return caught.value


def conflicts(call: Callable[[], object]) -> bool:
    """Make an edit that may be refused because somebody else was faster."""
    try:
        call()
    except GatewayError as error:
        if error.kind is not ErrorKind.CONFLICT:
            raise
        return True
    return False


def test_created_site_is_read_back(tmp_path: Path) -> None:
    files = SiteFiles(tmp_path, environment={"CAMERAS": "planted"})
    fields = {
        "name": {"ru": "Мира, 5", "en": "Mira 5"},
        "discovery": {
            "subnets": ["10.13.0.0/24"],
            "credentials": [{"username": "viewer", "password": {"env": "CAMERAS"}}],
        },
        "cameras": [{"id": "gate", "name": "Gate", "onvif": "10.13.0.4"}],
        "enabled": False,
    }
    edit = files.create_site("mira-5", fields)
    text, version = files.read("mira-5")
    assert version == edit.version
    assert yaml.safe_load(text) == fields
    assert load(tmp_path, {"CAMERAS": "x"}).errors == ()
    again = refusal(lambda: files.create_site("mira-5", {"name": "x"}))
    assert again.kind is ErrorKind.CONFLICT
    files.create_site("mira-7", {"name": "Empty"})
    assert files.read("mira-7")[0] == "name: Empty\ncameras: []\n"
    assert (tmp_path / "mira-7.yaml").stat().st_mode & 0o777 == 0o644 & ~_umask()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


@pytest.mark.parametrize("site", ["../evil", "a/b", "", "gateway", "A", ".x", "x" * 41, "a\n", "ё"])
def test_names_cannot_escape_the_directory(site: str, tmp_path: Path) -> None:
    inner = tmp_path / "sites"
    inner.mkdir()
    (tmp_path / "evil.yaml").write_text("name: x\n")
    files = SiteFiles(inner)
    for call in (
        lambda: files.read(site),
        lambda: files.create_site(site, {"name": "x"}),
        lambda: files.change_site(site, {"enabled": False}),
    ):
        assert refusal(call).kind is ErrorKind.BAD_REQUEST
    assert list(inner.iterdir()) == []


def test_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    inner = tmp_path / "sites"
    inner.mkdir()
    outside = tmp_path / "outside.yaml"
    outside.write_text("name: x\n")
    (inner / "a.yaml").symlink_to(outside)
    assert refusal(lambda: SiteFiles(inner).change_site("a", {"enabled": False})).kind is (
        ErrorKind.FORBIDDEN
    )
    assert outside.read_text() == "name: x\n"


def test_link_inside_the_directory_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "real.txt").write_text("name: x\n")
    (tmp_path / "a.yaml").symlink_to("store/real.txt")
    SiteFiles(tmp_path).change_site("a", {"enabled": False})
    assert (tmp_path / "a.yaml").is_symlink()
    assert "enabled: false" in (tmp_path / "store" / "real.txt").read_text()


def test_invalid_edits_write_nothing(files: SiteFiles, tmp_path: Path) -> None:
    before = (tmp_path / "lenina-12.yaml").read_bytes()
    bad = [
        ({"id": "Bad Id", "name": "x", "onvif": "10.12.0.9"}, ErrorKind.CONFIG_INVALID),
        ({"id": "x", "name": "x"}, ErrorKind.CONFIG_INVALID),
        ({"id": "yard", "name": "x", "onvif": "10.12.0.9"}, ErrorKind.CONFLICT),
        ({"id": "x", "name": "x", "onvif": "10.12.0.21"}, ErrorKind.CONFIG_INVALID),
        ({"id": "x", "name": "x", "onvif": "8.8.8.8"}, ErrorKind.CONFIG_INVALID),
        ({"id": "x", "name": "x", "rtsp": "rtsp://a:hunter2@10.12.0.9/"}, ErrorKind.CONFIG_INVALID),
        ({"id": "x", "name": "x\nenabled: false", "onvif": "10.12.0.9"}, ErrorKind.CONFIG_INVALID),
        ({"id": "x", "name": "x", "onvif": "10.12.0.9", "bogus": "1"}, ErrorKind.CONFIG_INVALID),
    ]
    for camera, kind in bad:
        error = refusal(lambda camera=camera: files.add_camera("lenina-12", camera))
        assert error.kind is kind, error
        assert "hunter2" not in str(error)
    assert (tmp_path / "lenina-12.yaml").read_bytes() == before
    missing = refusal(lambda: files.remove_camera("lenina-12", "nobody"))
    assert missing.kind is ErrorKind.NOT_FOUND
    assert refusal(lambda: files.read("mira-5")).kind is ErrorKind.NOT_FOUND
    assert names(tmp_path) == ["lenina-12.yaml"]


def test_foreign_secrets_cannot_be_sent_to_a_camera(files: SiteFiles, tmp_path: Path) -> None:
    for reference in ({"env": "TICKET_SECRET"}, {"file": "/etc/shadow"}):
        camera = {
            "id": "x",
            "name": "x",
            "onvif": "10.12.0.9",
            "credential": {"username": "a", "password": reference},
        }
        error = refusal(lambda camera=camera: files.add_camera("lenina-12", camera))
        assert error.kind is ErrorKind.FORBIDDEN
    files.add_camera(
        "lenina-12", {"id": "x", "name": "x", "onvif": "10.12.0.9", "credential": "viewer"}
    )
    assert load(tmp_path, {"CAMERAS": "x"}).errors == ()


def test_names_of_other_sites_are_respected(tmp_path: Path) -> None:
    write(tmp_path, "name: A\ncameras:\n  - {id: b-c, name: x, onvif: 10.0.0.1}\n", "a")
    write(tmp_path, "name: B\n", "a-b")
    files = SiteFiles(tmp_path, environment={}, fleet=lambda: load(tmp_path, {}))
    error = refusal(lambda: files.add_camera("a-b", {"id": "c", "name": "x", "onvif": "10.0.0.2"}))
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "a.yaml" in error.message


def test_stale_version_is_refused_and_the_hand_edit_stays(files: SiteFiles, tmp_path: Path) -> None:
    _, version = files.read("lenina-12")
    by_hand = COMMENTED.replace("Двор", "Парк")
    write(tmp_path, by_hand)
    error = refusal(
        lambda: files.change_camera("lenina-12", "yard", {"name": "x"}, version=version)
    )
    assert error.kind is ErrorKind.CONFLICT
    assert files.read("lenina-12")[0] == by_hand
    fresh = files.read("lenina-12")[1]
    edit = files.change_camera("lenina-12", "yard", {"name": "x"}, version=fresh)
    assert edit.version == files.read("lenina-12")[1]


def test_broken_file_is_not_edited(files: SiteFiles, tmp_path: Path) -> None:
    write(tmp_path, "name: [x\n")
    error = refusal(lambda: files.change_site("lenina-12", {"enabled": False}))
    assert error.kind is ErrorKind.CONFIG_INVALID
    write(tmp_path, "- a\n- b\n")
    assert refusal(lambda: files.change_site("lenina-12", {"enabled": False})).kind in (
        ErrorKind.CONFIG_INVALID,
        ErrorKind.CONFLICT,
    )


def test_mode_is_kept(files: SiteFiles, tmp_path: Path) -> None:
    path = tmp_path / "lenina-12.yaml"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    files.change_site("lenina-12", {"enabled": False})
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


@pytest.mark.slow
def test_two_hundred_registrations_and_hand_edits_lose_nothing(tmp_path: Path) -> None:
    """Half of them through another instance, as another process would; hands write by rename."""
    path = write(tmp_path, "name: A # keep\ncameras:\n  # first\n")
    one, other = SiteFiles(tmp_path), SiteFiles(tmp_path)
    marks = [f"# by hand {number}" for number in range(10)]
    ready = threading.Barrier(17)

    def register(number: int) -> None:
        if number < 16:
            ready.wait(10)
        files = one if number % 2 else other
        camera = {"id": f"c-{number}", "name": f"N {number}", "onvif": f"10.0.{number // 250}."
                  f"{number % 250 + 1}"}  # fmt: skip
        while conflicts(lambda: files.add_camera("lenina-12", camera)):
            pass

    def by_hand() -> int:
        """Save like an editor that noticed no change: only over the version that it has read."""
        ready.wait(10)
        refused = 0
        for mark in marks:
            while True:
                text, version = one.read("lenina-12")
                try:
                    hand_edit(path, text + mark + "\n", text)
                except RuntimeError:
                    refused += 1
                    continue
                break
            assert version
        return refused

    with ThreadPoolExecutor(17) as pool:
        hands = pool.submit(by_hand)
        done = list(pool.map(register, range(200)))
        hands.result(30)
    assert len(done) == 200
    text = path.read_text()
    assert all(mark in text for mark in marks)
    assert text.startswith("name: A # keep\ncameras:\n")
    fleet = load(tmp_path, {})
    assert fleet.errors == ()
    assert {camera.id for camera in fleet.sites["lenina-12"].cameras} == {
        f"c-{number}" for number in range(200)
    }
    assert names(tmp_path) == ["lenina-12.yaml"]


def hand_edit(path: Path, text: str, expected: str) -> None:
    """Write as a person's tool would, through the same lock, without our code's edits."""
    import fcntl

    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if file.read().decode() != expected or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            raise RuntimeError
        file.seek(0)
        file.write(text.encode())
        file.truncate()


async def test_hand_edit_in_the_last_moment_is_never_overwritten(tmp_path: Path) -> None:
    """A person's editor knows no lock: whatever it saves stands afterwards, or is built upon."""
    path = write(tmp_path, "name: A\n")
    files = SiteFiles(tmp_path)
    stop = threading.Event()

    def switch() -> int:
        count = 0
        while not stop.is_set():
            enabled = bool(count % 2)
            conflicts(
                lambda enabled=enabled: files.change_site(
                    "lenina-12", {"enabled": None if enabled else False}
                )
            )
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        machine = pool.submit(switch)
        try:
            for number in range(100):
                new = tmp_path / ".editor"
                new.write_text(f"name: A\n# saved {number}\n")
                new.replace(path)
                mark = f"# saved {number}\n"
                await until(lambda mark=mark: mark in path.read_text(), within=5, every=0.001)
        finally:
            stop.set()
        assert machine.result(20) > 0
    assert "# saved 99\n" in path.read_text()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(name=texts, path=texts)
def test_any_text_is_written_so_that_it_is_read_back_or_refused(
    name: str, path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("any")
    write(directory, COMMENTED)
    files = SiteFiles(directory, environment={"CAMERAS": "x"})
    rtsp = f"rtsp://10.12.0.9/{path}"
    refused = ""
    try:
        files.add_camera("lenina-12", {"id": "x", "name": {"ru": name}, "rtsp": rtsp})
    except GatewayError as error:
        refused = error.kind
    if refused:
        assert refused == ErrorKind.CONFIG_INVALID
        assert files.read("lenina-12")[0] == COMMENTED
    else:
        camera = load(directory, {"CAMERAS": "x"}).sites["lenina-12"].camera("x")
        assert camera is not None
        assert (camera.name.pick("ru"), camera.rtsp) == (name, rtsp)


def test_a_trial_checks_everything_and_writes_nothing(files: SiteFiles, tmp_path: Path) -> None:
    trial = files.trial()
    edit = trial.change_site("lenina-12", {"enabled": False})
    assert changed(edit) == ["+enabled: false"]
    assert edit.draft is not None
    assert not edit.draft.enabled
    assert edit.version == files.read("lenina-12")[1], "what the file is now"
    assert trial.remove_site("lenina-12").draft is None
    made = trial.create_site("new", {"name": "New"})
    assert made.draft is not None
    with pytest.raises(GatewayError, match="would not be valid"):
        trial.change_site("lenina-12", {"name": 7, "viewing": {"access": "nobody"}})
    assert names(tmp_path) == ["lenina-12.yaml"]
    assert (tmp_path / "lenina-12.yaml").read_text("utf-8") == COMMENTED
    done = files.change_site("lenina-12", {"enabled": False}, version=edit.version)
    assert done.diff == edit.diff


def test_a_building_comes_back_by_its_old_name(files: SiteFiles, tmp_path: Path) -> None:
    for _ in range(3):
        _, version = files.read("lenina-12")
        with pytest.raises(GatewayError) as refused:
            files.remove_site("lenina-12", version="0" * 64)
        assert refused.value.reason == "changed"
        files.remove_site("lenina-12", version=version)
        assert load(tmp_path, {"CAMERAS": "planted"}).sites == {}
        with pytest.raises(GatewayError) as gone:
            files.remove_site("lenina-12")
        assert gone.value.kind is ErrorKind.NOT_FOUND
        write(tmp_path, COMMENTED)
    assert sorted(names(tmp_path)) == [
        "lenina-12.yaml",
        *(f"lenina-12.yaml.removed{number}" for number in ("", "-2", "-3")),
    ]


def test_a_file_that_is_a_link_is_removed_by_hand(files: SiteFiles, tmp_path: Path) -> None:
    (tmp_path / "house.yaml").symlink_to("lenina-12.yaml")
    with pytest.raises(GatewayError) as refused:
        files.remove_site("house")
    assert refused.value.reason == "by_hand"
    assert (tmp_path / "lenina-12.yaml").exists()
