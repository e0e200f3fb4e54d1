"""The numbers of ``/?action=stat``, in its text form."""

import math

from gateway.model.server import ServerStats


def parse(text: str) -> ServerStats:
    """Return all ``key=value`` lines whose value is a number; section titles are passed over.

    WCS names the sections differently from version to version, the metrics are stable.
    """
    values: dict[str, float] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if not separator or line.startswith("-"):
            continue
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number):
            values[key.strip()] = number
    return ServerStats(values)
