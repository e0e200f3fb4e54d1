"""The hot path: prepared packets, encrypted for each viewer, handed to the kernel."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.track import Press
from gateway.mediaserver.transport.segmentation import packets
from gateway.mediaserver.transport.srtp import Batch, Run

if TYPE_CHECKING:
    from gateway.mediaserver.fanout.viewer import Viewer


class Delivery:
    """Sends batches. Nothing in here is made per packet."""

    __slots__ = ("_counters", "_press")

    def __init__(self, press: Press, counters: Counters) -> None:
        self._press = press
        self._counters = counters

    def send(self, batches: Sequence[Batch], viewers: Sequence["Viewer"]) -> "list[Viewer]":
        """Send ``batches`` to ``viewers``, a slice to all of them before the next slice.

        Returns the viewers for whom there was no room: they have a hole now.
        """
        dropped: list[Viewer] = []
        counters = self._counters
        for batch in batches:
            sent = len(viewers) - self._send_slice(batch, viewers, dropped)
            counters.packets += sent * batch.count
            counters.bytes += sent * batch.total
            if dropped:
                viewers = [viewer for viewer in viewers if viewer not in dropped]
        return dropped

    def _send_slice(
        self, batch: Batch, viewers: "Iterable[Viewer]", dropped: "list[Viewer]"
    ) -> int:
        protect, runs = self._press.protector.protect, batch.runs
        refused = 0
        for viewer in viewers:
            link = viewer.link
            if link is None or not protect(viewer.keys, batch):
                dropped.append(viewer)
                refused += 1
                continue
            if link.backlog:
                if not self._hold(viewer, runs):
                    dropped.append(viewer)
                    refused += 1
                continue
            sendmsg, address = link.sendmsg, viewer.address
            run = runs[0]
            try:
                for run in runs:
                    sendmsg(run[0], run[1], 0, address)
            except OSError as error:
                if not self._recover(viewer, batch, run, error):
                    dropped.append(viewer)
                    refused += 1
                runs = batch.runs
        return refused

    def _hold(self, viewer: "Viewer", runs: Sequence[Run]) -> bool:
        if viewer.link is None or viewer.address is None:
            return False
        self._counters.held += 1
        return viewer.link.hold(runs, viewer.address)

    def _recover(self, viewer: "Viewer", batch: Batch, run: Run, error: OSError) -> bool:
        """Go on after ``run`` could not be sent; false when the viewer misses packets."""
        runs = batch.runs
        rest = runs[next(index for index, item in enumerate(runs) if item is run) :]
        if isinstance(error, BlockingIOError | InterruptedError):
            return self._hold(viewer, rest)
        self._counters.send_errors += 1
        if viewer.link is None or viewer.address is None:
            return False
        if not run[1] or not self._press.segmentation.explains(error):
            return False
        for buffers, ancillary in rest:
            for packet in packets(b"".join(buffers), ancillary):
                viewer.link.send(packet, viewer.address)
        self._press.cut(batch)
        return True
