"""Which side a request came in on: the public one, or the staff's own."""

from dataclasses import dataclass

from aiohttp import web


@dataclass(slots=True)
class Sides:
    """Where staff are served: the port of their own listener, ``None`` while there is none."""

    staff_port: int | None = None

    def is_public(self, request: web.Request) -> bool:
        """Tell whether a request came in where staff are not served."""
        if self.staff_port is None:
            return False
        transport = request.transport
        name = None if transport is None else transport.get_extra_info("sockname")
        return name is None or name[1] != self.staff_port
