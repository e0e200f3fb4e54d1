"""The lock on a container's control ports: a packet filter inside its network namespace.

With ipvlan and macvlan a container stands in the building's network with every port that it opens,
and the Docker host's own packet filter never sees its traffic. So the filter is set inside: a
short-lived helper container shares the network namespace, may change the filter (NET_ADMIN), and
is gone a moment later; the media server itself has no such right. From the building's network only
media gets in; the management network is open to the gateway's own address alone.

The rules keep no connection state: tracking would cost time for each packet of video.
"""

from dataclasses import dataclass
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import helper
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.helper import Job

_RUN_S: Final = 30.0
_NO_TOOL: Final = 3
_CLOSED: Final = "-P INPUT DROP"

RULES: Final = r"""
rules() {
  echo '*filter'
  echo ':INPUT DROP [0:0]'
  echo ':FORWARD DROP [0:0]'
  echo ':OUTPUT ACCEPT [0:0]'
  echo '-A INPUT -i lo -j ACCEPT'
  [ "$1" = icmp ] && echo "-A INPUT -i $control -s $CONTROL_PEER -j ACCEPT"
  echo "-A INPUT -i $control -j DROP"
  if [ -n "$cdn" ]; then
    echo "-A INPUT -i $cdn -p tcp --dport $CDN_PORT -j ACCEPT"
    echo "-A INPUT -i $cdn -p tcp ! --syn -j ACCEPT"
    [ -n "$CDN_MEDIA" ] && echo "-A INPUT -i $cdn -p udp --dport $CDN_MEDIA -j ACCEPT"
    [ -n "$CDN_MEDIA" ] && echo "-A INPUT -i $cdn -p tcp --dport $CDN_MEDIA -j ACCEPT"
    echo "-A INPUT -i $cdn -j DROP"
  fi
  [ -n "$RTSP" ] && echo "-A INPUT -p tcp --dport $RTSP -j ACCEPT"
  echo "-A INPUT -p udp --dport $MEDIA -j ACCEPT"
  echo "-A INPUT -p tcp --dport $MEDIA -j ACCEPT"
  echo '-A INPUT -p tcp ! --syn -j ACCEPT'
  echo '-A INPUT -p udp --sport 53 --dport 32768:60999 -j ACCEPT'
  echo "-A INPUT -p $1 -j ACCEPT"
  echo COMMIT
}
set_up() {
  for tool in "$1" "$1-legacy" "$1-nft"; do
    command -v "$tool-restore" >/dev/null || continue
    rules "$2" | "$tool-restore" || continue
    "$tool" -S INPUT && return 0
  done
  return 1
}
close_ports() {
  command -v iptables-restore >/dev/null || { echo 'no iptables in this image'; return 3; }
  set_up iptables icmp || { echo 'the kernel takes no rules'; return 4; }
  if grep -qv ' lo$' /proc/net/if_inet6 2>/dev/null; then
    set_up ip6tables ipv6-icmp >/dev/null || { echo 'IPv6 stays open'; return 5; }
  fi
}
"""
"""Shell functions; ``close_ports`` sets the filter. What they read stands in variables:

``control`` and ``cdn`` (interfaces), CONTROL_PEER, CDN_PORT, CDN_MEDIA, MEDIA, RTSP.
"""

_LEGS: Final = r"""
set -u
leg() {
  for file in /sys/class/net/*/address; do
    if [ -n "$1" ] && [ "$(cat "$file")" = "$1" ]; then
      file=${file%/address}; echo "${file##*/}"
    fi
  done
}
control=$(leg "$CONTROL_MAC")
cdn=$(leg "$CDN_MAC")
[ -n "$control" ] || { echo "no interface has $CONTROL_MAC"; exit 2; }
"""
_SCRIPT: Final = f"{_LEGS}{RULES}close_ports\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """What a container's filter lets in.

    ``control_mac`` marks the management leg, ``control_peer`` is the gateway's address there;
    ``media`` are the first and last media port, open for UDP and TCP. ``cdn_mac`` marks the leg to
    the site's other servers, where ``cdn_port`` is open, and the media ports too if ``cdn_media``;
    ``rtsp`` is the port that recorders ask.
    """

    control_mac: str
    control_peer: str
    media: tuple[int, int]
    cdn_mac: str = ""
    cdn_port: str = ""
    cdn_media: bool = False
    rtsp: str = ""


class Guard:
    """Sets the filter by helper containers made from ``images``, the first that has the tool."""

    def __init__(self, engine: Engine, helper_image: str | None = None) -> None:
        self._engine = engine
        self._helper_image = helper_image

    async def close_ports(self, server_id: str, container: str, image: str, lock: Lock) -> None:
        """Set the filter of ``container`` and read it back; raises CONTAINER_FAILED."""
        images = [image, *([self._helper_image] if self._helper_image else [])]
        code, said = _NO_TOOL, ""
        for one in images:
            code, said = await self._run(server_id, container, one, lock)
            if code != _NO_TOOL:
                break
        if code == 0 and _CLOSED in said:
            return
        raise GatewayError(
            ErrorKind.CONTAINER_FAILED,
            f"the control ports of {server_id} are open to the building's network: "
            f"{said.strip()[-200:] or 'the packet filter could not be set'}",
            "name an image that has iptables in media_servers.network.guard_image",
        )

    async def _run(self, server_id: str, container: str, image: str, lock: Lock) -> tuple[int, str]:
        host = {
            "network_mode": f"container:{container}",
            "cap_drop": ["ALL"],
            # NET_RAW: the older iptables speaks to the kernel through a raw socket.
            "cap_add": ["NET_ADMIN", "NET_RAW"],
            "security_opt": ["no-new-privileges"],
        }
        job = Job(server_id, "guard", image, _SCRIPT, host, _environment(lock), user="0:0")
        return await helper.run(self._engine, job, within_s=_RUN_S)


def _environment(lock: Lock) -> dict[str, str]:
    media = f"{lock.media[0]}:{lock.media[1]}"
    return {
        "CONTROL_MAC": lock.control_mac,
        "CONTROL_PEER": lock.control_peer,
        "MEDIA": media,
        "CDN_MAC": lock.cdn_mac if lock.cdn_port else "",
        "CDN_PORT": lock.cdn_port,
        "CDN_MEDIA": media if lock.cdn_media else "",
        "RTSP": lock.rtsp,
        # The image's own file system may be read-only, and nobody else holds this lock.
        "XTABLES_LOCKFILE": "/dev/shm/xtables.lock",  # noqa: S108  # inside the helper container
    }
