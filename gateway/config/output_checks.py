"""Whether the port for recorders is free where a site's media server runs."""

from typing import Final

from gateway.config.checks import Report
from gateway.config.document import Path
from gateway.model.company import RuntimeKind, Settings
from gateway.model.site import Site

_PATH: Final[Path] = ("media_server", "rtsp_output", "port")
_CONTROL: Final = range(8080, 8085)
"""REST, signalling, and what edges ask, in a container."""


def check_output(site: Site, settings: Settings, report: Report) -> None:
    """Report a port that the media server or its neighbours need."""
    output, servers = site.media_server.rtsp_output, settings.media_servers
    if output is None:
        return
    first, last = servers.media_ports
    if first <= output.port <= last:
        report(_PATH, f"is one of media_servers.media_ports {first}-{last}; write another")
    elif servers.runtime is not RuntimeKind.PROCESS and output.port in _CONTROL:
        report(_PATH, "is a port of the media server's own; write another, for example 8554")
