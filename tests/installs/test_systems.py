"""What docs/install.md and README.md tell newcomers, on fresh Debians and an Ubuntu.

``make test-installs`` runs it: packages and libraries really come from their mirrors.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installs import guide, systems

PIP = "/opt/camera-gateway/venv/bin/pip"
WHEEL = (
    f"{PIP} wheel --no-deps -w /root/wheel .",
    f"{PIP} install --no-deps --force-reinstall /root/wheel/camera_gateway-*.whl",
    "ls /opt/camera-gateway/venv/lib/python3*/site-packages/gateway/web/watch.html",
)
# A demonstration is watched until all its cameras are live, and ended as by a person. It gives up
# by itself after a minute; a machine that does much else at that moment gets a second one.
DEMO = """
watch_demo() (
  set +ex -m
  {command} >/tmp/demo.log 2>&1 &
  demo=$!
  until grep -q 'The pretend building is live' /tmp/demo.log; do
    kill -0 $demo || {{ cat /tmp/demo.log >&2; exit 1; }}
    sleep 1
  done
  page='http://127.0.0.1:8080/watch/demo'
  python3 -c "import urllib.request as u; u.urlopen('$page').close()" || exit 1
  kill -INT -- -$demo
  wait $demo
  ended=$?
  cat /tmp/demo.log
  case $ended in 0|2|130) exit 0 ;; *) exit 1 ;; esac
)
watch_demo || watch_demo
if ls -d /tmp/gateway-demo-* || grep -al mediaserver /proc/[0-9]*/cmdline; then exit 1; fi
"""

# README.md signs a ticket so; the page answers to it, and to nobody without one.
TICKET = """
python - <<'PY'
import os, urllib.error, urllib.request as u
TICKET_SECRET = os.environ["TICKET_SECRET"]
{snippet}
where, _, fragment = link.removeprefix("https://cams.example.ru").partition("#")
assert (where, fragment) == ("/watch/lenina-12", ticket)

def ask(path, **headers):
    try:
        with u.urlopen(u.Request("http://127.0.0.1:8080" + path, headers=headers)) as answer:
            return answer.status, answer.read().decode()
    except u.HTTPError as error:
        return error.code, ""

for path in (where, "/embed/lenina-12", "/assets/player.js"):
    assert ask(path)[0] == 200, path
assert ask("/api/v1/sites/lenina-12")[0] in (401, 403, 404)
status, told = ask("/api/v1/sites/lenina-12", Authorization="Bearer " + ticket)
assert status == 200 and "entrance-1" in told and "10.12.0" not in told, told
print("the ticket of README.md opens")
PY
"""
# The cameras of the example are nowhere here: the gateway says so and serves all the same.
SERVED = """
for attempt in $(seq 60); do
  gateway healthy && break
  [ "$attempt" -lt 60 ] || {{ cat /tmp/own.log; exit 1; }}
  sleep 1
done
{ticket}
kill -TERM $served
wait $served
cat /tmp/own.log
"""

pytestmark = [pytest.mark.installs, pytest.mark.timeout(1800)]


def own_building() -> list[str]:
    """Return README.md's way to a building of one's own, with tickets as it says further down."""
    script = ["export TICKET_SECRET=$(python3 -c 'import secrets; print(secrets.token_hex(32))')"]
    script.append("sed -i 's/^# tickets: /tickets: /' sites/gateway.yaml")
    for command in guide.commands("own building", "nothing", page="README.md"):
        if command.startswith("gateway serve"):
            script.append("gateway serve >/tmp/own.log 2>&1 & served=$!")
        elif command.startswith("gateway plan"):
            script.append(f"{{ {command}\n}} || [ $? -eq 2 ]")  # 2: there is something to do
        else:
            script.append(command)
    text = (guide.ROOT / "README.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"```python\n(import jwt.*?)```", text, re.DOTALL)
    return [*script, SERVED.format(ticket=TICKET.format(snippet=snippet))]


@pytest.fixture
def machine(tmp_path: Path, system: systems.System) -> Iterator[Path]:
    """Return a fresh root that reaches this machine's mirrors."""
    root = tmp_path / "root"
    root.mkdir()
    try:
        systems.unpack(system, root)
    except systems.MissingError as reason:
        pytest.skip(f"no {system.name} here: {reason}")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    yield root
    shutil.rmtree(root)


def way_out(root: Path) -> dict[str, str]:
    """Return the variables by which pip reaches its index through what this machine has."""
    kept = {name: os.environ[name] for name in os.environ if name.endswith("_proxy")}
    bundle = os.environ.get("PIP_CERT")
    if bundle:
        shutil.copy(bundle, root / "root/authorities.crt")
        kept["PIP_CERT"] = "/root/authorities.crt"
    return {**kept, "DEBIAN_FRONTEND": "noninteractive"}


def pip_cache() -> dict[Path, str]:
    folder = systems.CACHE / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    return {folder: "root/.cache/pip"}


@pytest.mark.parametrize("system", systems.SYSTEMS, ids=lambda one: one.name)
def test_the_guide_is_right(machine: Path, system: systems.System) -> None:
    guide.check_out(machine)
    install = [
        *guide.commands("packages"),
        *guide.commands("gateway"),
        *WHEEL,
        *guide.commands("demonstration", "gateway demo"),
        f"/opt/camera-gateway/venv/bin/python --version | grep -F ' {system.python}.'",
        # The upgrade's own commands, while there is a network.
        *[one for one in guide.commands("upgrade") if "gateway" not in one.split()],
    ]
    guide.run(machine, install, way_out(machine), network=True, within=1500, kept=pip_cache())
    serve = [
        *guide.commands("first steps"),
        DEMO.format(command="gateway demo"),
        "gateway doctor /etc/camera-gateway",
        *guide.commands("service"),
        guide.BEGIN,
        *guide.removal(),
        guide.GONE,
    ]
    said = guide.run(machine, serve, {}, network=False)
    assert "1 site with 2 cameras, nothing is wrong" in said
    assert "The pretend building is live" in said


@pytest.mark.parametrize("system", systems.SYSTEMS[:1], ids=lambda one: one.name)
def test_a_newcomer_gets_from_the_readme_to_a_building(machine: Path) -> None:
    """README where there are Python, make and git alone: ``make demo``, then a building."""
    clone = ("git", "clone", "-q", "--depth", "1", f"file://{guide.ROOT}", machine / "root/source")
    subprocess.run(clone, check=True)
    (machine / "root/checkout").mkdir()
    install = [
        "apt-get update",
        "apt-get install --no-install-recommends -y python3 make git",
        "git clone -q /root/source /root/checkout",
        "make setup",
    ]
    guide.run(machine, install, way_out(machine), network=True, within=1500, kept=pip_cache())
    said = guide.run(machine, [DEMO.format(command="make demo")], {}, network=False)
    assert "The pretend building is live" in said
    said = guide.run(machine, own_building(), {}, network=False)
    assert "1 site with 2 cameras, nothing is wrong" in said
    assert "create lenina-12: the site has no media server yet" in said
    assert "the ticket of README.md opens" in said
