"""The API described by its own document, asked by schemathesis: no error of the inside comes out.

A real gateway with a real camera is asked as staff: once about the building that there is, and
once about everything that may stand in an address. Chance has a fixed seed.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, STAFF, Company, company_in
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Streams have no end; what takes the building away would leave nothing to ask about.
ENDLESS = r"events$"
REAL = """
[parameters]
"path.site" = "house"
"path.camera" = "entrance-1"
"""
TOOL = "from schemathesis.cli import schemathesis; schemathesis()"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def asked(company: Company, folder: Path, *how: str, at: str = "") -> str:
    """Let schemathesis ask the gateway; return what it found, nothing when all is well."""
    (folder / "schemathesis.toml").write_text(at)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", TOOL, "run", f"{company.url}/api/v1/openapi.json"),
        *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--seed", "1"),
        *("--generation-deterministic", "--no-color"),
        *("--exclude-path-regex", ENDLESS, "--request-timeout", "10", "--continue-on-failure"),
        *("-H", f"Authorization: Bearer {STAFF}", *how),
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.fuzz_offers", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = (await process.stdout.read()).decode(errors="replace")
    return "" if await process.wait() == 0 else said[-20_000:]


async def test_nothing_that_is_asked_breaks_the_gateway(tmp_path: Path) -> None:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    async with company_in(tmp_path) as company:
        try:
            await building.start(1)
            company.write_site("house", building.cameras, discovery={"subnets": ["127.0.0.1/32"]})
            await company.begin()
            await until(lambda: company.live("house"), within=30)
            # What switches the camera off comes last, and nothing takes the building away.
            real = ("--max-examples", "40", "--exclude-method", "DELETE")
            assert not await asked(company, tmp_path, *real, "--exclude-method", "PATCH", at=REAL)
            assert not await asked(company, tmp_path, "--max-examples", "15")
            assert not await asked(company, tmp_path, *real, "--include-method", "PATCH", at=REAL)
            assert (await company.get("/healthz"))["status"] == "ok"
            assert "Traceback" not in company.log.read_text()
        finally:
            await building.close()
