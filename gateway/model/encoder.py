"""A camera's video encoder, as far as the gateway minds it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Encoder:
    """One encoder's setting; ``gop`` in frames, ``fps`` in frames per second, 0 where unknown."""

    token: str
    codec: str
    profile: str = ""
    gop: int = 0
    fps: float = 0
    width: int = 0
    height: int = 0

    def __str__(self) -> str:
        size = f" {self.width}x{self.height}" if self.width else ""
        rate = f" {self.fps:g} fps" if self.fps else ""
        profile = f" {self.profile}" if self.profile else ""
        return f"{self.codec}{profile}{size}{rate}, a key frame every {self.gop or '?'} frames"


@dataclass(frozen=True, slots=True)
class EncoderChange:
    """A setting and the one that plays everywhere; ``old`` and ``new`` are the camera's own words.

    ``namespace`` is the media service (Media1 or Media2) that both are for.
    """

    before: Encoder
    after: Encoder
    namespace: str
    old: bytes = field(repr=False, default=b"")
    new: bytes = field(repr=False, default=b"")

    @property
    def needed(self) -> bool:
        """Whether anything differs."""
        return self.before != self.after
