"""Hardware addresses of the local network, as the kernel has learnt them (arp(7))."""

from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/net/arp")
_NOBODY: Final = "00:00:00:00:00:00"
_COLUMNS: Final = 6


def hardware_addresses(table: Path = _TABLE) -> dict[str, str]:
    """Return MAC addresses by IPv4 address; empty where the kernel shows none."""
    try:
        lines = table.read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return {}
    entries = (line.split() for line in lines)
    return {
        entry[0]: entry[3].lower()
        for entry in entries
        if len(entry) >= _COLUMNS and entry[3] != _NOBODY
    }
