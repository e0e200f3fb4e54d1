"""Real Prometheus reads the gateway, and the alerts and the dashboard ask for what is there."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from gateway.service import Options, Service
from tests.waiting import until

DOCS = Path(__file__).parents[2] / "docs" / "prometheus"
METRIC = re.compile(r"\b(?:camera_gateway|process)_[a-z_]+")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(folder: Path, port: int) -> AsyncIterator[None]:
    (folder / "gateway.yaml").write_text(
        f"listen: 127.0.0.1:{free_port()}\ndata_dir: {folder / 'data'}\n"
        f"metrics_listen: 127.0.0.1:{port}\n"
    )
    service = Service(Options(directory=folder))
    try:
        await service.start()
        yield
    finally:
        await service.close(remove=True)


@asynccontextmanager
async def prometheus(folder: Path, port: int) -> AsyncIterator[str]:
    """Run Prometheus with the shipped files, only quicker and at our port."""
    settings = yaml.safe_load((DOCS / "prometheus.yml").read_text())
    settings["rule_files"] = [str(DOCS / "alerts.yml")]
    (job,) = settings["scrape_configs"]
    job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    own = free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{own}/api/v1"
    finally:
        process.terminate()
        await process.wait()


def expressions() -> list[str]:
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DOCS / "dashboard.json").read_text())
    return found + [one["expr"] for panel in board["panels"] for one in panel["targets"]]


def test_the_alerts_are_right() -> None:
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            ["promtool", *arguments], cwd=DOCS, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text())
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    told = set(
        re.findall(
            r"^\| `(CameraGateway\w+)` \|", (DOCS.parent / "operate.md").read_text(), re.MULTILINE
        )
    )
    assert told == names


def test_every_alert_is_tried() -> None:
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text())
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    cases = yaml.safe_load((DOCS / "alerts_test.yml").read_text())["tests"]
    fired = {
        one["alertname"] for case in cases for one in case["alert_rule_test"] if one["exp_alerts"]
    }
    assert fired == names


async def test_prometheus_reads_the_gateway_and_every_expression_works(tmp_path: Path) -> None:
    port, sites = free_port(), tmp_path / "sites"
    sites.mkdir()
    async with (
        serving(sites, port),
        prometheus(tmp_path, port) as url,
        ClientSession() as session,
    ):

        async def query(text: str) -> dict[str, Any]:
            async with session.get(f"{url}/query", params={"query": text}) as answer:
                return dict(await answer.json(content_type=None))

        async def is_read() -> bool:
            try:
                found = (await query('up{job="camera-gateway"}'))["data"]["result"]
            except (OSError, ValueError):
                return False  # it is still coming up
            return bool(found) and found[0]["value"][1] == "1"

        await until(is_read, within=30)
        for text in expressions():
            answer = await query(text.replace("$site", ".*"))
            assert answer["status"] == "success", (text, answer)
        async with session.get(f"{url}/rules") as answer:
            groups = (await answer.json())["data"]["groups"]
        assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            shown = set(re.findall(r"^# TYPE (\S+)", await answer.text(), re.MULTILINE))
        async with session.get(f"http://127.0.0.1:{port}/console") as answer:
            assert answer.status == 404
    bare = {re.sub(r"_(bucket|total|sum|count)$", "", name) for name in shown} | shown
    optional = {"camera_gateway_certificate_expiry_timestamp_seconds"}  # with TLS only
    asked = {name for text in expressions() for name in METRIC.findall(text)} - optional
    assert {name for name in asked if re.sub(r"_(bucket|total)$", "", name) not in bare} == set()
