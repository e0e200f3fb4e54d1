"""The technician's commands as a person or a script runs them, against cameras that are there."""

import asyncio
import json
import os
import re
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.demo import encode
from gateway.demo.building import _view
from tests.peers import gst_camera
from tests.peers.gst_camera import GstCamera
from tests.peers.onvif_device import PASSWORD, OnvifCamera
from tests.peers.rtsp_peer import rtsp_peer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
gstreamer = [
    pytest.mark.gstreamer,
    pytest.mark.skipif(bool(gst_camera.missing()), reason=gst_camera.missing() or "installed"),
]
WRONG = "planted-wrong-11"
RUSSIAN = re.compile(r"[\u0400-\u04ff]")
ENGLISH = re.compile(r"[A-Za-z]{4,} [a-z]{2,} [a-z]{2,}")


async def gateway(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, what it has printed, and what it has told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *words),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CAMERAS": PASSWORD,
            "GST": gst_camera.PASSWORD,
            "OLD": WRONG,
            "LC_ALL": "C.UTF-8",
            **environment,
        },
    )
    out, err = await asyncio.wait_for(process.communicate(), 240)
    told = out.decode() + err.decode()
    for secret in (PASSWORD, gst_camera.PASSWORD, WRONG, "p%40ss", "c%40mera"):
        assert secret not in told
    return process.returncode or 0, out.decode(), err.decode()


def only(out: str) -> dict[str, Any]:
    """Return the one sighting of a command's JSON."""
    [sighting] = json.loads(out)["sightings"]
    return dict(sighting)


@pytest.mark.parametrize(
    ("mount", "code", "playable", "words"),
    [
        pytest.param("h264", 0, "everywhere", "", marks=gstreamer),
        pytest.param("h265", 0, "somewhere", "H.264, GOP", marks=gstreamer),
        pytest.param("mjpeg", 2, "nowhere", "H.264, GOP", marks=gstreamer),
        pytest.param("h264-bframes", 0, "somewhere", "B-frames off", marks=gstreamer),
    ],
)
async def test_probe_says_whether_a_camera_plays_and_what_to_set(
    mount: str, code: int, playable: str, words: str, tmp_path: Path
) -> None:
    picture = tmp_path / "seen.jpg"
    async with GstCamera("digest") as camera:
        user = f"env:GST:{gst_camera.USERNAME}"
        done, out, _ = await gateway(
            tmp_path, "probe", camera.url(mount), "--credential", user, "--json",
            "--picture", str(picture),
        )  # fmt: skip
    seen = only(out)
    assert done == code
    assert seen["verdict"]["playable"] == playable
    assert seen["credential"] == "env:GST"
    assert words in " ".join(reason["setting"] for reason in seen["verdict"]["reasons"])
    assert picture.read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        pytest.param("wrong password", "unauthorized", marks=gstreamer),
        pytest.param("wrong path", "not_found", marks=gstreamer),
        ("no camera", "unreachable"),
        ("no video after PLAY", "no_picture"),
    ],
)
async def test_probe_says_why_there_is_no_picture(case: str, kind: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        address, users = "rtsp://127.0.0.1:9/x", ()
        if case.startswith("wrong"):
            camera = await stack.enter_async_context(GstCamera("digest"))
            path, variable = ("h264", "OLD") if case == "wrong password" else ("nothing", "GST")
            address = camera.url(path)
            users = ("--credential", f"env:{variable}:{gst_camera.USERNAME}")
        elif case == "no video after PLAY":
            address = (await stack.enter_async_context(rtsp_peer())).url()
        code, out, err = await gateway(tmp_path, "probe", address, *users, "--json")
        plain_code, plain, _ = await gateway(tmp_path, "probe", address, *users)
    seen = only(out)
    failure = seen["failure"]
    assert seen["verdict"]["playable"] == "unknown"
    assert (code, plain_code) == (2, 2)
    assert failure["kind"] == kind
    assert failure["hint"]
    assert failure["message"] in plain
    assert failure["hint"] in plain
    assert "Traceback" not in err


async def test_fix_shows_before_and_after_and_asks(tmp_path: Path) -> None:
    async with OnvifCamera() as camera:
        words = ("probe", camera.url, "--credential", "env:CAMERAS:viewer", "--fix")
        _, out, err = await gateway(tmp_path, *words, "--yes", "--json")
        # The stream of this camera shows nothing before nor after: what was set is put back.
        assert camera.encoder["codec"] == "H265"
        assert camera.asked.count("SetVideoEncoderConfiguration") == 2
        assert "H265" in err
        assert "H264" in err
        assert "back to" in err
    assert only(out)["make"] == "Acme"


async def test_in_a_russian_terminal_the_commands_speak_russian(tmp_path: Path) -> None:
    async with OnvifCamera() as camera:
        words = ("probe", camera.url, "--credential", "env:CAMERAS:viewer")
        code, out, err = await gateway(tmp_path, *words, "--fix", "--yes", LC_ALL="ru_RU.UTF-8")
        english_code, english, _ = await gateway(tmp_path, *words)
        _, told, _ = await gateway(tmp_path, *words, "--json", LC_ALL="ru_RU.UTF-8")
        _, english_told, _ = await gateway(tmp_path, *words, "--json")
    assert (code, english_code) == (2, 2)
    for said in ("УСТРОЙСТВО", "(новая)", "По этому адресу никто не отвечает", "основной:"):
        assert said in out
    for said in ("сейчас: H265", "станет: H264", "не помогло, возвращаем: H265"):
        assert said in err
    assert not ENGLISH.search(out + err)
    assert ENGLISH.search(english)
    assert not RUSSIAN.search(english)
    told, english_told = (
        re.sub(r'"(seconds|clock_off_s)": [-0-9.]+', "", text) for text in (told, english_told)
    )
    assert told == english_told, "what is for programs has no language"


async def test_a_camera_is_registered_in_russian(tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "gateway.yaml").write_text(f"data_dir: {tmp_path}/data\n", encoding="utf-8")
    text = "name: House\ndiscovery: {subnets: [127.0.0.0/29]}\ncameras: []\n"
    (sites / "house.yaml").write_text(text, encoding="utf-8")
    async with rtsp_peer() as camera:
        words = ("register", "house", "--camera", camera.url(), "--id", "door")
        words += ("--name", "Дверь", "--url", "http://127.0.0.1:9")
        refused, _, err = await gateway(tmp_path, *words, LANG="ru_RU.UTF-8", LC_ALL="")
        assert refused == 1
        assert "Камера не показывает: Камера соединяется, но изображения не даёт." in err
        assert "что делать: " in err
        assert "--force" in err
        assert not ENGLISH.search(err)
        code, out, _ = await gateway(tmp_path, *words, "--force", LANG="ru_RU.UTF-8", LC_ALL="")
        assert code == 0
        assert "Камера door зарегистрирована, но шлюз" in out
        again, _, err = await gateway(tmp_path, *words, "--force", LANG="ru_RU.UTF-8", LC_ALL="")
    assert again == 1
    assert "уже зарегистрирована под именем door" in err
    code, _, err = await gateway(tmp_path, "discover", "nowhere", LANGUAGE="ru", LC_ALL="en_US")
    assert code == 1
    assert "Дома nowhere нет." in err
    assert "есть такие: house" in err


@pytest.fixture
async def cache(clips: Path, tmp_path: Path) -> str:
    """Return a cache in which all four pretend cameras' pictures are, as after the first demo."""
    await asyncio.to_thread(
        encode.clips,
        _view(3),
        second=0,
        ready=lambda _made: None,
        stop=threading.Event(),
        cache=clips,
    )
    place = tmp_path / "camera-gateway" / "demo"
    place.parent.mkdir()
    place.symlink_to(clips)
    return str(tmp_path)


async def test_the_demo_building_is_surveyed_to_the_last_picture(
    tmp_path: Path, cache: str
) -> None:
    words = ("survey", "demo", "--json", "--pictures", "seen")
    code, out, err = await gateway(tmp_path, *words, XDG_CACHE_HOME=cache)
    told = json.loads(out)
    assert code == 0, err
    assert told["state"] == "finished"
    assert [one["verdict"]["playable"] for one in told["sightings"]] == ["everywhere"] * 4
    assert sum(one["camera"] is None for one in told["sightings"]) == 1
    for one in told["sightings"]:
        assert (tmp_path / one["picture"]).read_bytes().startswith(b"\xff\xd8")
    code, out, err = await gateway(tmp_path, "discover", "demo", "--json", XDG_CACHE_HOME=cache)
    assert code == 0, err
    devices = json.loads(out)["devices"]
    assert len(devices) == 4
    assert all(one["onvif"] and one["xaddrs"] for one in devices)


async def test_register_writes_one_line_and_says_so_to_machines(tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "gateway.yaml").write_text(f"data_dir: {tmp_path}/data\n", encoding="utf-8")
    text = "# by hand\nname: House  # ours\ndiscovery: {subnets: [127.0.0.0/29]}\ncameras: []\n"
    (sites / "house.yaml").write_text(text, encoding="utf-8")
    async with rtsp_peer() as camera:
        words = ("register", "house", "--dir", "sites", "--camera", camera.url(), "--id", "door")
        words += ("--name", "Дверь", "--name-en", "Door", "--url", "http://127.0.0.1:9")
        refused, _, err = await gateway(tmp_path, *words, "--json")
        assert refused == 1, "it does not play"
        assert "--force" in err
        assert (sites / "house.yaml").read_text(encoding="utf-8") == text
        code, out, err = await gateway(tmp_path, *words, "--json", "--force")
        again, _, _ = await gateway(tmp_path, *words, "--json", "--force")
    done = json.loads(out)
    assert (code, again) == (0, 1), err
    assert (done["camera"], done["live"], done["record"]) == ("door", False, None)
    added = [line for line in done["diff"].splitlines() if line.startswith("+ ")]
    assert len(added) == 1
    written = (sites / "house.yaml").read_text(encoding="utf-8")
    assert written.startswith("# by hand\nname: House  # ours\n")
    assert camera.url() in written
