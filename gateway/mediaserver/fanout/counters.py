"""What the engine counts, since its start."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Totals of all viewers; ``stun_rejects`` are checks that were not authentic or known."""

    packets: int = 0
    bytes: int = 0
    frames: int = 0
    frames_refused: int = 0
    nacks: int = 0
    retransmissions: int = 0
    retransmissions_refused: int = 0
    picture_losses: int = 0
    refreshes: int = 0
    drops: int = 0
    pauses: int = 0
    held: int = 0
    send_errors: int = 0
    plays: int = 0
    plays_refused: int = 0
    handshakes: int = 0
    handshakes_failed: int = 0
    handshakes_dropped: int = 0
    timeouts: int = 0
    stun_checks: int = 0
    stun_rejects: int = 0
    rtcp: int = 0
    rtcp_rejects: int = 0
    strays: int = 0

    def as_dict(self) -> dict[str, float]:
        """Return all totals by name."""
        return asdict(self)
