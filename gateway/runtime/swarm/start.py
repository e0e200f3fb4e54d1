"""What each container of a Swarm runs before its media server: closes its ports, takes its secrets.

No manager reaches into a container on another node, so a helper from outside, as on one engine, is
not to be had. The container therefore begins as root with the right to set its own packet filter,
closes its control ports, and gives that right away for good before the media server begins. One
whose ports cannot be closed does not begin at all. Pure: texts only.
"""

import ipaddress
import struct
from typing import Final

from gateway.runtime.docker.container import CONF, HOME
from gateway.runtime.docker.guard import RULES

PLACE: Final = "/camera-gateway"
SCRIPT: Final = f"{PLACE}/start"
SECRETS: Final = "/run/secrets"

NO_LEG: Final = 71
NO_ADDRESS: Final = 72
NO_FILTER: Final = 73
ENDS: Final = {
    NO_LEG: "the management network is not there in its container",
    NO_ADDRESS: "it got no address of media_servers.network.subnet: is the network "
    "camera-gateway-media-node of its node as gateway doctor says?",
    NO_FILTER: "its control ports could not be closed: the image needs iptables, the node's kernel "
    "its filter table",
}
"""What a container means that ends with one of our own statuses."""

TEXT: Final = (
    rf"""
set -u
leg() {{
  [ -n "$1" ] && while read -r interface destination _; do
    [ "$destination" = "$1" ] && echo "$interface"
  done </proc/net/route
}}
control=$(leg "$CONTROL_ROUTE")
cdn=$(leg "$CDN_ROUTE")
[ -n "$control" ] || {{ echo "no interface leads to $CONTROL_PEER"; exit {NO_LEG}; }}
LOCAL_IP=$(awk -v first="$MEDIA_FIRST" -v size="$MEDIA_SIZE" '
  /32 host LOCAL/ {{
    split(address, part, ".")
    number = ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4]
    if (number >= first && number < first + size) {{ print address; exit }}
  }}
  {{ address = $2 }}' /proc/net/fib_trie)
[ -n "$LOCAL_IP" ] || {{ echo 'no address of the media network'; exit {NO_ADDRESS}; }}
export LOCAL_IP
"""
    + RULES
    + rf"""
close_ports >/dev/null || exit {NO_FILTER}
for name in PASSWORD LICENSE; do
  [ -f "{SECRETS}/$name" ] && export "$name=$(cat "{SECRETS}/$name")"
done
echo "media at $LOCAL_IP, control ports are closed"
if [ -n "$RUN_AS" ]; then
  chmod 700 {HOME}/run && chown "$RUN_AS" {HOME}/run || exit 1
  exec setpriv --reuid "${{RUN_AS%:*}}" --regid "${{RUN_AS#*:}}" --clear-groups \
    --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
fi
merge() {{
  touch "$1" && awk -v options="$3" '
    function key(line) {{
      if (options) return substr(line, 1, 4)
      sub(/[ \t]*=.*/, "", line); sub(/^[ \t]+/, "", line); return line
    }}
    NR == FNR {{ if ($0 != "") {{ ours[key($0)]; text = text $0 "\n" }} next }}
    options && /^-Xm[xs]/ || !options && !/^[ \t]*[#!]/ {{ if (key($0) in ours) next }}
    {{ print }}
    END {{ printf "%s", text }}' "$2" "$1" >{PLACE}-merged && cat {PLACE}-merged >"$1"
}}
settings={PLACE}-settings
{{
  cat {PLACE}/flashphoner.properties
  echo "ip_local=$LOCAL_IP"
  [ -n "${{EXTERNAL_IP:-}}" ] || echo "ip=$LOCAL_IP"
}} >$settings
merge {CONF}/flashphoner.properties $settings '' || exit 1
if [ -f {PLACE}/wcs-core.properties ]; then
  merge {CONF}/wcs-core.properties {PLACE}/wcs-core.properties 1 || exit 1
fi
if command -v setpriv >/dev/null; then
  exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin -- "$@"
fi
exec "$@"
"""
)


def route(subnet: str) -> str:
    """Return how ``/proc/net/route`` writes a network: hexadecimal, lowest byte first."""
    network = ipaddress.IPv4Network(subnet, strict=False)
    return f"{struct.unpack('<I', network.network_address.packed)[0]:08X}"


def environment(
    *,
    control: str,
    cdn: str | None,
    lan: str,
    media: tuple[int, int],
    cdn_port: str,
    cdn_media: bool,
    rtsp: str,
    run_as: str,
) -> dict[str, str]:
    """Return what the script reads; ``control``, ``cdn`` and ``lan`` are subnets.

    ``cdn_media`` lets media in from the site's other servers too; ``run_as`` is the ``uid:gid`` of
    an embedded server, empty for WCS.
    """
    ports = f"{media[0]}:{media[1]}"
    network = ipaddress.IPv4Network(lan, strict=False)
    return {
        "CONTROL_ROUTE": route(control),
        "CONTROL_PEER": control,
        "CDN_ROUTE": route(cdn) if cdn else "",
        "CDN_PORT": cdn_port,
        "CDN_MEDIA": ports if cdn_media else "",
        "MEDIA": ports,
        "MEDIA_FIRST": str(int(network.network_address)),
        "MEDIA_SIZE": str(network.num_addresses),
        "RTSP": rtsp,
        "RUN_AS": run_as,
        # The image's own file system may be read-only, and nobody else holds this lock.
        "XTABLES_LOCKFILE": "/dev/shm/xtables.lock",  # noqa: S108  # inside the container
    }
