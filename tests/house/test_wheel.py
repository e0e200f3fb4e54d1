"""The wheel, installed where no checkout is: its commands, its page, its media server."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--no-index", "--wheel-dir", str(target), str(ROOT)),
    )
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the commands' folder of a new environment with the wheel and today's libraries."""
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    run(
        *(sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "--quiet"),
        *("--no-deps", "--no-index", str(wheel)),
    )
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_the_wheel_holds_the_package_the_page_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tracked = subprocess.run(
        ["git", "ls-files", "web"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not [name for name in tracked if f"gateway/{name}" not in names]
    assert {f"gateway/commands/words.{language}.json" for language in ("en", "ru")} <= {*names}
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"gateway", "camera_gateway"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.fixture
def serving(installed: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/gateway.yaml").write_text(f"version: 1\nlisten: 127.0.0.1:{port}\n")
    (tmp_path / "sites/lenina-12.yaml").write_text(
        "name: Lenina 12\nviewing: {access: public}\ncameras: []\n"
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [installed / "gateway", "serve"],
            cwd=tmp_path,
            env=environment(),
            stdout=log,
            stderr=log,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # which takes the media servers away too
        process.wait(30)
        print((tmp_path / "log").read_text())


def test_the_commands_work_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    gateway = str(installed / "gateway")
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run(gateway, "version", cwd=tmp_path))
    said = "import gateway; print(gateway.__file__)"
    where = run(str(installed / "python"), "-c", said, cwd=tmp_path)
    assert where.startswith(str(installed.parent))
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/lenina-12.yaml").write_text("name: Lenina 12\ncameras: []\n")
    assert "1 site with 0 cameras, nothing is wrong" in run(gateway, "check", cwd=tmp_path)
    assert "nothing to upgrade" in run(gateway, "upgrade-config", cwd=tmp_path)
    assert run(gateway, "schema", "site", cwd=tmp_path).startswith("{")


async def test_it_serves_its_page(
    serving: tuple[subprocess.Popen[bytes], str], installed: Path
) -> None:
    process, url = serving

    async def page() -> str:
        assert process.poll() is None
        try:
            return await asyncio.to_thread(get, f"{url}/")
        except OSError:
            return ""

    text = await until(page, within=60, every=0.2)
    assets = re.findall(r'(?:src|href)="(/[^"#]+\.(?:js|css|svg))"', text)
    assert assets
    for asset in assets:
        assert await asyncio.to_thread(get, url + asset)
    assert run(str(installed / "gateway"), "healthy", f"/proc/{process.pid}/cwd/sites") == ""


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own
        assert answer.status == 200
        return str(answer.read().decode())
