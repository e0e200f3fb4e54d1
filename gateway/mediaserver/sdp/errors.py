"""Why an offer is not played: malformed, not usable, or without a codec in common.

On the wire only ``info`` is left of them, so each has its own.
"""

from gateway.mediaserver.ports import PlayRefused


class OfferMalformed(PlayRefused):
    """The text is no SDP offer; ``info`` is ``Failed by error``."""

    def __init__(self, detail: str) -> None:
        super().__init__("Failed by error", f"This is no SDP offer: {detail}.")


class OfferUnusable(PlayRefused):
    """An SDP offer that cannot be answered; ``info`` says which layer is to blame."""


class NoCommonCodecs(OfferUnusable):
    """The browser does not offer what the camera sends; ``info`` is ``No common codecs``."""

    def __init__(self, detail: str) -> None:
        super().__init__("No common codecs", detail)
