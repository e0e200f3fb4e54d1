"""Minimal roots of the systems that docs/install.md names, made once by debootstrap."""

import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CACHE: Final = Path.home() / ".cache/camera-gateway-tests"
SCRIPTS: Final = Path("/usr/share/debootstrap/scripts")
KEYRINGS: Final = Path("/usr/share/keyrings")
# "Ubuntu Archive Automatic Signing Key (2018)", the one that signs 24.04.
UBUNTU_KEY: Final = "F6ECB3762474EDA9D21B7022871920D1991BC93C"
_ANSWER_S: Final = 20


class MissingError(Exception):
    """A system cannot be had here; the text says why."""


@dataclass(frozen=True)
class System:
    """A release of a distribution; ``script`` is what debootstrap calls its way of installing."""

    name: str
    suite: str
    python: str
    mirror: str = "http://deb.debian.org/debian"
    components: str = "main"
    keyring: str = "debian-archive-keyring"
    script: str = "sid"


SYSTEMS: Final = (
    System("Debian 12", "bookworm", "3.11"),
    System("Debian 13", "trixie", "3.13"),
    System(
        *("Ubuntu 24.04", "noble", "3.12"),
        mirror="http://archive.ubuntu.com/ubuntu",
        components="main,universe",
        keyring="ubuntu-archive-keyring",
        script="gutsy",
    ),
)


def unpack(system: System, root: Path) -> None:
    """Put a system without anything but its package manager into a folder; raises MissingError."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise MissingError("a root of its own needs root and debootstrap")
    archive = CACHE / f"root-{system.suite}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _make(system, archive)
    _run("tar", "-C", str(root), "-xf", str(archive))


def _make(system: System, archive: Path) -> None:
    release = f"{system.mirror}/dists/{system.suite}/Release"
    try:
        urllib.request.urlopen(release, timeout=_ANSWER_S).close()  # noqa: S310  # http is written above
    except (OSError, urllib.error.URLError) as error:
        raise MissingError(f"{release} cannot be had: {error}") from error
    with tempfile.TemporaryDirectory(prefix="cg-root-", dir=CACHE) as work:
        root = Path(work) / "root"
        _run(
            *("debootstrap", "--variant=minbase", f"--components={system.components}"),
            f"--keyring={_keyring(system, Path(work))}",
            *(system.suite, str(root), system.mirror, str(SCRIPTS / system.script)),
        )
        shutil.rmtree(root / "var/cache/apt/archives")
        draft = Path(work) / "root.tar"
        _run("tar", "-C", str(root), "-cf", str(draft), ".")
        draft.rename(archive)


def _keyring(system: System, work: Path) -> Path:
    """Return the file with the distribution's key.

    Debian does not ship Ubuntu's: it is taken from Ubuntu's own package, and believed only if it
    holds the key whose fingerprint stands here.
    """
    known = KEYRINGS / f"{system.keyring}.gpg"
    if known.exists() or not system.keyring.startswith("ubuntu"):
        return known
    apt = work / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "etc", "home"):
        (apt / folder).mkdir(parents=True)
    source = f"deb [trusted=yes] {system.mirror} {system.suite} main\n"
    (apt / "etc/sources.list").write_text(source, encoding="utf-8")
    options = (
        *("-o", f"Dir::State={apt}/state", "-o", "Dir::State::status=/dev/null"),
        *("-o", f"Dir::Cache={apt}/cache", "-o", f"Dir::Etc={apt}/etc"),
        *("-o", "APT::Sandbox::User=root"),
    )
    _run("apt-get", *options, "-qq", "update")
    _run("apt-get", *options, "-qq", "download", "ubuntu-keyring", folder=apt)
    package = next(apt.glob("ubuntu-keyring_*.deb"))
    _run("dpkg-deb", "-x", str(package), str(apt / "package"))
    keyring = apt / f"package/usr/share/keyrings/{system.keyring}.gpg"
    home = ("--homedir", str(apt / "home"))
    shown = _run("gpg", *home, "--batch", "--show-keys", "--with-colons", str(keyring))
    if f"fpr:::::::::{UBUNTU_KEY}:" not in shown:
        raise MissingError(f"{package.name} does not hold the key {UBUNTU_KEY}")
    return keyring


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=900
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-1500:]
        raise RuntimeError(f"{' '.join(command)}: {said}")
    return done.stdout
