"""docs/install.md, "Docker: one container": every command as it is written, by Docker's own CLI."""

import asyncio
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.installs import guide
from tests.peers import engine as peer
from tests.peers.engine import Engine
from tests.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("docker") is None, reason="needs docker's command line"),
]

NAME = "camera-gateway"
PUBLISHED = "python:3.11-slim-bookworm"
# There is no registry, index or mirror here. What stands for the published image is a Debian with
# Python that takes the locked libraries from the checkout (as the Dockerfile's head says) and in
# which nothing can be added to the system: ssh is not needed on one machine.
STAND_IN = f"""
FROM {peer.base_image()}
RUN printf '[global]\\nno-index = true\\nfind-links = /src/wheels\\n' > /etc/pip.conf \\
 && ln -sf /bin/true /usr/local/bin/apt-get
"""


def checkout(folder: Path) -> Path:
    """Make a checkout with one building and the secret that its file names."""
    guide.check_out(folder)
    made = folder / "root/checkout"
    shutil.copy(guide.ROOT / "Dockerfile", made)
    shutil.copytree(peer.wheels(), made / "wheels")
    sites = made / "sites"
    shutil.copy(sites / "lenina-12.yaml.example", sites / "lenina-12.yaml")
    (made / "secrets.env").write_text("CAMERAS_LENINA_12=secret\n")
    return made


def shell(engine: Engine, folder: Path, *commands: str) -> str:
    """Run commands on the engine's host, as somebody types them there; return what they print."""
    done = subprocess.run(
        ["bash", "-euxc", "\n".join(commands)],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": engine.url, "DOCKER_BUILDKIT": "0", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(480)  # an image is built twice, as the guide has it and for the stand-in
async def test_the_container_of_the_guide_serves_a_building(engine: Engine, tmp_path: Path) -> None:
    folder = await asyncio.to_thread(checkout, tmp_path)
    (tmp_path / "Dockerfile").write_text(STAND_IN)
    peer.make_gateway_image(engine)  # the Debian is on the engine then
    stand_in = f"docker build --network none -t {PUBLISHED} - < {tmp_path / 'Dockerfile'}"
    await asyncio.to_thread(shell, engine, folder, stand_in)
    try:
        await asyncio.to_thread(shell, engine, folder, *guide.commands("container"))

        async def healthy() -> bool:
            asked = f"docker exec {NAME} gateway healthy /etc/camera-gateway && echo well || true"
            return "well" in await asyncio.to_thread(shell, engine, folder, asked)

        await until(healthy, within=60, every=1)
        checked = f"docker exec {NAME} gateway check /etc/camera-gateway"
        said = await asyncio.to_thread(shell, engine, folder, checked)
        assert "1 site with 2 cameras, nothing is wrong" in said
        kept = await asyncio.to_thread(
            shell, engine, folder, f"docker exec {NAME} ls /var/lib/camera-gateway/data/servers"
        )
        assert kept.split() == ["lenina-12"]
    finally:
        with closing(engine.client()) as client:
            for one in client.containers(all=True):
                print(client.logs(one["Id"]).decode(errors="replace")[-3000:])
                client.remove_container(one["Id"], force=True, v=True)
