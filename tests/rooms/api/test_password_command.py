"""``gateway password`` prints a hash that opens, and never what was typed."""

import subprocess
import sys

import pytest

from gateway.api.passwords import Passwords
from gateway.kit.secret import Secret

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


def run(given: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "gateway", "password"]
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=30)


async def test_the_hash_opens() -> None:
    done = run(PASSWORD.encode() + b"\n")
    encoded = Secret(done.stdout.decode().strip())
    assert done.returncode == 0
    assert PASSWORD not in (done.stdout + done.stderr).decode()
    passwords = Passwords()
    assert await passwords.check(encoded, PASSWORD)
    assert not await passwords.check(encoded, PASSWORD + "\n")
    passwords.close()


@pytest.mark.parametrize("given", [b"", b"short\n", b"x" * 5000, b"\xff\xfe" * 10])
def test_what_is_no_password(given: bytes) -> None:
    done = run(given)
    assert done.returncode == 1
    assert b"hint:" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not done.stdout
