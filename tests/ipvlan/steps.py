"""What must come true inside the virtual machine, in this order."""

from enum import StrEnum
from typing import Final

DONE: Final = "everything is as it should be"


class Step(StrEnum):
    """One thing that is looked at; its words are what the machine says of it."""

    BOOT = "the engine answers"
    IMAGE = "the image is made without a registry"
    RANGE = "the article's range is refused with what Docker makes of it"
    DOCTOR = "the doctor is content"
    ADDRESSES = "two buildings have the first two addresses of the range"
    MANAGEMENT = "the Docker host reaches control ports by the management network"
    ISOLATION = "the Docker host does not reach a container in the LAN, as ipvlan has it"
    CLOSED = "the LAN reaches the media port and nothing else"
    PLAYS = "somebody in the LAN plays a camera of the LAN"
    CHANGE = "a building comes and one goes while another plays without a lost packet"
    CONTAINER = "a killed container comes back and plays"
    GATEWAY = "a killed gateway comes back, and who watches does not notice"
    ENGINE = "an engine that was restarted has its containers again, closed again"
