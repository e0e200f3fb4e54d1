"""All faults, by the place where they happen."""

from typing import Final

from tests.faults import cameras, crowds, engines, gateways, machine, networks, servers, steps
from tests.faults.fault import Place
from tests.faults.scene import scene

PLACES: Final = (
    Place("house", scene, (*cameras.FAULTS, *servers.FAULTS, *gateways.FAULTS, *crowds.FAULTS)),
    Place("machine", machine.machine, machine.FAULTS, machine.lacks),
    Place("networks", networks.networks, networks.FAULTS, networks.lacks),
    Place("engine", engines.engines, engines.FAULTS, engines.lacks),
    Place("steps", steps.reconciling, steps.FAULTS),
)
"""In the order of the table."""
