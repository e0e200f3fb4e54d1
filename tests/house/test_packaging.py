"""What is shipped fits together: locks, compose file, images, bill of materials."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MEDIA_SERVER = ("aiohttp", "cryptography", "opencv", "pylibsrtp", "pyOpenSSL", "structlog")
MEDIA_ROOMS = ("mediaserver", "rtsp", "model", "kit")
LINE = re.compile(r"^(?P<wanted>[a-z0-9-]+==[^ ;]+(?: ; [^\\]+)?) \\$", re.MULTILINE)


def locked(name: str) -> dict[str, list[Requirement]]:
    text = (ROOT / f"docs/install/{name}.lock").read_text(encoding="utf-8")
    found: dict[str, list[Requirement]] = {}
    for match in LINE.finditer(text):
        one = Requirement(match["wanted"])
        found.setdefault(canonicalize_name(one.name), []).append(one)
    return found


def wanted(name: str) -> list[Requirement]:
    every = [Requirement(one) for one in PROJECT["dependencies"]]
    return [one for one in every if name == "requirements" or one.name.startswith(MEDIA_SERVER)]


@pytest.mark.parametrize("name", ["requirements", "mediaserver"])
def test_the_lock_is_within_the_projects_ranges(name: str) -> None:
    """`make lock` renews it."""
    lock = locked(name)
    for one in wanted(name):
        pins = lock.get(canonicalize_name(one.name), [])
        versions = [str(pin.specifier).removeprefix("==") for pin in pins]
        assert versions, f"{one.name} is not locked: make lock"
        assert all(one.specifier.contains(version) for version in versions), f"{one}: make lock"


@pytest.mark.parametrize("name", ["requirements", "mediaserver"])
def test_the_lock_holds_hashes_and_no_address(name: str) -> None:
    text = (ROOT / f"docs/install/{name}.lock").read_text(encoding="utf-8")
    assert "//" not in text
    blocks = re.split(r"\n(?=[a-z])", text.strip())
    assert len(blocks) == sum(len(pins) for pins in locked(name).values())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_media_servers_lock_agrees_with_the_gateways() -> None:
    both = locked("requirements")
    for name, pins in locked("mediaserver").items():
        assert {str(pin.specifier) for pin in pins} == {str(pin.specifier) for pin in both[name]}


def test_the_media_server_imports_nothing_that_is_not_locked_for_it() -> None:
    script = (
        "import sys, importlib, pkgutil, gateway\n"
        f"for room in {MEDIA_ROOMS}:\n"
        "    package = importlib.import_module(f'gateway.{room}')\n"
        "    for one in pkgutil.walk_packages(package.__path__, f'gateway.{room}.'):\n"
        "        if not one.name.endswith('__main__'): importlib.import_module(one.name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    others = {"pydantic", "docker", "yaml", "typer", "onvif", "zeep", "jwt", "watchfiles", "argon2"}
    assert not others & set(done.stdout.split())


def services() -> list[Any]:
    return [pytest.param(name, one, id=name) for name, one in COMPOSE["services"].items()]


@pytest.mark.parametrize(("name", "service"), services())
def test_every_container_has_as_few_rights_as_it_can(name: str, service: dict[str, Any]) -> None:
    assert "privileged" not in service
    assert "cap_add" not in service
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    version = service["image"].rpartition(":")[2]
    assert re.match(r"\d+\.\d+\.\d+", version), "an image without its version may change"
    has_socket = any(one.startswith("/var/run/docker.sock") for one in service["volumes"])
    assert has_socket == (name == "engine-proxy")


def test_the_compose_file_has_two_ways_and_names_what_is_there() -> None:
    profiles = {name: one["profiles"] for name, one in COMPOSE["services"].items()}
    assert profiles == {"gateway": ["embedded"], "gateway-wcs": ["wcs"], "engine-proxy": ["wcs"]}
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            elif not source.startswith("/"):
                assert source in COMPOSE["volumes"], source
    gateway = COMPOSE["services"]["gateway"]
    assert gateway["image"] == f"camera-gateway:{PROJECT['version']}"
    assert f"AS {gateway['build']['target']}\n" in DOCKERFILE


def test_the_stack_file_says_what_the_compose_file_does() -> None:
    text = (ROOT / "stack.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    images = {name: service["image"] for name, service in services.items()}
    wanted = {name: COMPOSE["services"][name]["image"] for name in images}
    assert images == {**wanted, "gateway": f"${{GATEWAY_IMAGE:-{wanted['gateway']}}}"}
    for name, service in services.items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        has_socket = "/var/run/docker.sock:/var/run/docker.sock" in service["volumes"]
        assert has_socket == (name == "engine-proxy")


def test_images_run_as_nobody_in_particular_and_the_media_server_is_the_default() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert stages[-1].strip() == "mediaserver"
    for stage in stages:
        if re.match(r"\S+ AS (gateway|mediaserver)\n", stage):
            assert "\nUSER 10001:10001\n" in stage
            assert "\nHEALTHCHECK " in stage


def test_the_build_sees_only_what_it_needs() -> None:
    seen = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert seen[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    shown = {one.removeprefix("!").partition("/")[0] for one in seen if one.startswith("!")}
    for name in " ".join(copied).split():
        assert name.rstrip("*").partition("/")[0] in shown, name
    assert not {"sites", "data", "tests", ".git", "secrets.env"} & shown


@pytest.mark.slow
def test_the_bill_of_materials_names_every_locked_library(tmp_path: Path) -> None:
    """As `make sbom` writes it; without network."""
    bill = tmp_path / "sbom.json"
    subprocess.run(
        [ROOT / "tests/set-up/sbom.sh", Path(sys.executable).parent, bill],
        cwd=ROOT, check=True, capture_output=True, timeout=50,
    )  # fmt: skip
    content = json.loads(bill.read_text(encoding="utf-8"))
    assert content["bomFormat"] == "CycloneDX"
    assert content["metadata"]["component"]["name"] == PROJECT["name"]
    named = {(one["name"], one["version"]) for one in content["components"]}
    for name, pins in locked("requirements").items():
        for pin in pins:
            assert (name, str(pin.specifier).removeprefix("==")) in named
    assert all(one.get("purl", "").startswith("pkg:pypi/") for one in content["components"])
