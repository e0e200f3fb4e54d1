"""Which side a request came in on: the public one, or the staff's own."""

from dataclasses import dataclass

from aiohttp import web


@dataclass(slots=True)
class Sides:
    """The ports of the staff's and of Prometheus's own listener, ``None`` while there is none."""

    staff_port: int | None = None
    metrics_port: int | None = None

    def is_public(self, request: web.Request) -> bool:
        """Tell whether a request came in where staff are not served."""
        return self.staff_port is not None and _port(request) != self.staff_port

    def is_for_metrics(self, request: web.Request) -> bool:
        """Tell whether a request came in where metrics are all that is served."""
        return self.metrics_port is not None and _port(request) == self.metrics_port


def _port(request: web.Request) -> int | None:
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    return None if name is None else int(name[1])
