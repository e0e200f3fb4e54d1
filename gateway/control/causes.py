"""Why a camera does not play: one word for programs, and the English for people.

The word stays what it is over versions. Pages have a sentence of their own for each in every
language that they speak (``web/i18n/gateway.*.json``); whoever knows none shows the English.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.model.device import DeviceFailure
from gateway.model.errors import ErrorKind, GatewayError

LOOK_AT_CAMERA: Final = "check its power and network; it is tried again by itself"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why; ``about`` is the camera or thing that the sentence names, if it names one."""

    code: str = ""
    text: str = ""
    hint: str = ""
    about: str = ""


NOTHING: Final = Cause()
BUILDING_OFF: Final = Cause("building_off", "The building is switched off.")
CAMERA_OFF: Final = Cause("camera_off", "The camera is switched off.")
BEING_ASKED: Final = Cause("being_asked", "The camera is being asked where its video is.")
SENDS_NOTHING: Final = Cause("sends_nothing", "The camera sends nothing.", LOOK_AT_CAMERA)
SERVER_COMES: Final = Cause("server_comes", "The building's media server is being made.")
SERVER_STOPPED: Final = Cause("server_stopped", "The building's media server has stopped.")
NOT_TAKEN_OVER: Final = Cause(
    "not_taken_over", "The gateway has not taken the change over yet.", "it does so by itself"
)
NOT_PLAYING_YET: Final = Cause("not_playing_yet", "It does not play yet.", LOOK_AT_CAMERA)
SERVER_STARTS: Final = Cause("server_starts", "The building's media server is starting.")

DEFINITE: Final[Mapping[str, Cause]] = {
    "Rtsp stream not found": Cause(
        ErrorKind.CAMERA_NOT_FOUND,
        "The camera has no stream under this address.",
        "correct the path in the camera's rtsp address",
    ),
    "Rtsp has wrong format": Cause(
        ErrorKind.CAMERA_BAD_ANSWER,
        "The camera's answer cannot be understood.",
        "look at the address with another player; the camera's firmware may be at fault",
    ),
    "Bad URI": Cause(
        "bad_address", "The camera's address is malformed.", "correct the camera's rtsp address"
    ),
    "No common codecs": Cause(
        ErrorKind.CODEC_UNSUPPORTED,
        "The camera sends video that browsers cannot play.",
        "set the camera's stream to H.264",
    ),
    "Restricted access": Cause(
        "outside",
        "The media server refuses this address.",
        "the address lies outside of what the media server may contact",
    ),
}
"""WCS's texts for faults that no waiting mends (STREAM_STATUS_INFO)."""

PASSING: Final[Mapping[str, Cause]] = {
    "Failed to connect to rtsp stream": Cause(
        ErrorKind.CAMERA_UNREACHABLE, "The camera cannot be reached.", LOOK_AT_CAMERA
    ),
    "Failed by RTP activity": Cause(
        ErrorKind.CAMERA_OFFLINE, "The camera has stopped sending.", LOOK_AT_CAMERA
    ),
    "RtspAgent shutdown": Cause(
        "connection_ended", "The connection to the camera has ended.", LOOK_AT_CAMERA
    ),
}
"""WCS's texts for what may mend itself."""

OWN: Final = (
    *(BUILDING_OFF, CAMERA_OFF, BEING_ASKED, SENDS_NOTHING),
    *(SERVER_COMES, SERVER_STOPPED, SERVER_STARTS, NOT_TAKEN_OVER, NOT_PLAYING_YET),
    *DEFINITE.values(),
    *PASSING.values(),
)
"""Every cause that is said here; those of errors and of failures have their kinds for codes."""


def same_address(other: str) -> Cause:
    """Say that another camera of the building has the same address."""
    return Cause(
        "same_address",
        f"It has the same address as {other}.",
        "give each camera its own rtsp address",
        other,
    )


def of_trouble(trouble: GatewayError | DeviceFailure) -> Cause:
    """Say what an error or a failure says."""
    return Cause(str(trouble.kind), trouble.message, trouble.hint)
