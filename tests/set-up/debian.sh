#!/usr/bin/env bash
# Installs the named Debian packages, or all that the tests need, when they are not there yet.
# Without root and sudo it only says what is missing.
set -euo pipefail

needed=(
    chromium fonts-dejavu-core                                  # pages are looked at in a browser
    gir1.2-gst-rtsp-server-1.0 python3-gi                       # cameras: GStreamer's RTSP server
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
    janus gcc libc6-dev libsrtp2-dev libssl-dev                 # the peers of the benchmark
    iproute2 iptables procps                                    # LANs made of network namespaces
    docker.io debootstrap                                       # a private Docker Engine, its images
    openssh-client openssh-server                               # the way to an engine on another host
    haproxy docker-compose                                      # compose.yaml, and its socket proxy
    php-cli                                                     # mints a ticket as a website does
    prometheus                                                  # reads the metrics; promtool
    faketime                                                    # a wall clock that jumps
    coturn                                                      # a way around firewalls that block UDP
)
command -v npm >/dev/null || needed+=(nodejs npm)               # vendor SDK, tsc
[ $# -gt 0 ] && needed=("$@")

missing=()
for package in "${needed[@]}"; do
    case "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" in
        installed) ;;
        *) missing+=("$package") ;;
    esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian; the tests need these packages (Debian's names): ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
        as_root=(sudo)
    else
        echo "These packages are missing; install them as root:" >&2
        echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
fi
echo "Installing Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get -qq update
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
