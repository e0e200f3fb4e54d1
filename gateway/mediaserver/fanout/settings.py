"""What an engine may be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of :class:`~gateway.mediaserver.fanout.engine.WebRtcEngine`; times in seconds.

    ``bind``: one UDP socket for each address, all on ``port`` (0: any free one). ``announced``:
    what browsers are told before the addresses bound (or those of the machine, where all are
    bound): an external address, for instance. ``tcp``: listen there by TCP too, for viewers
    whose network blocks UDP. ``handshake_timeout``: until ICE and DTLS
    are done. ``consent_timeout``: without a valid STUN check (RFC 7675). ``silence_pause``: without
    a sign of life the viewer is sent nothing until the next one, because packets to a neighbour
    that has left would fill the send buffer that all viewers share. The three switches exist to
    try the fallbacks.
    """

    bind: tuple[str, ...] = ("0.0.0.0", "::")  # noqa: S104  # media has to reach viewers
    port: int = 0
    announced: tuple[str, ...] = ()
    max_viewers: int = 500
    handshake_timeout: float = 10.0
    consent_timeout: float = 30.0
    silence_pause: float = 10.0
    tcp: bool = True
    use_gcm: bool = True
    use_segmentation: bool = True
    use_in_place: bool = True
