"""``python -m tests.faults.clocked serve ...``: a gateway whose media servers share its clock.

A media server gets few variables of the gateway's environment; here also those of ``faketime``.
"""

import runpy
import sys

from gateway.runtime import program

program._ENVIRONMENT = (  # type: ignore[misc]  # a constant for everybody but this program
    *program._ENVIRONMENT,
    "LD_PRELOAD",
    "FAKETIME_TIMESTAMP_FILE",
    "FAKETIME_CACHE_DURATION",
    "FAKETIME_DONT_FAKE_MONOTONIC",
    "NO_FAKE_STAT",
)
sys.argv[0] = "gateway"
runpy.run_module("gateway", run_name="__main__")
