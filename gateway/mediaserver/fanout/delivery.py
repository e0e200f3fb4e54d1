"""The hot path: prepared packets, encrypted for each viewer, handed to the kernel."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.mediaserver.fanout.counters import Counters
from gateway.mediaserver.fanout.track import Press
from gateway.mediaserver.transport.convoy import FEWEST
from gateway.mediaserver.transport.segmentation import packets
from gateway.mediaserver.transport.srtp import Batch, Rows, Run

if TYPE_CHECKING:
    from gateway.mediaserver.fanout.viewer import Viewer
    from gateway.mediaserver.transport.link import Link


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
            sent = len(viewers) - self._send_batch(batch, viewers, dropped)
            counters.packets += sent * batch.count
            counters.bytes += sent * batch.total
            if dropped:
                viewers = [viewer for viewer in viewers if viewer not in dropped]
        return dropped

    def _send_batch(
        self, batch: Batch, viewers: "Sequence[Viewer]", dropped: "list[Viewer]"
    ) -> int:
        """Send one batch and return for how many viewers there was no room."""
        if len(viewers) >= FEWEST and (rows := self._press.convoy.rows(batch)) is not None:
            link = viewers[0].link
            if link is not None and link.shared >= 0 and not link.backlog:
                together = [viewer for viewer in viewers if viewer.link is link]
                others = [viewer for viewer in viewers if viewer.link is not link]
                refused = self._send_rows(batch, rows, link, together, dropped)
                return refused + self._send_slice(batch, others, dropped)
        return self._send_slice(batch, viewers, dropped)

    def _send_rows(
        self, batch: Batch, rows: Rows, link: "Link", viewers: "Sequence[Viewer]",
        dropped: "list[Viewer]",
    ) -> int:  # fmt: skip
        """Send a batch to viewers behind one socket, as many with one call as there are rows."""
        convoy, before, start = self._press.convoy, len(dropped), 0
        ancillary = batch.runs[0][1]
        calls = -(-len(viewers) // rows.count)
        size = -(-len(viewers) // calls)
        while start < len(viewers):
            some = viewers[start : start + size]
            good = rows.protect([viewer.keys for viewer in some], batch)
            if good < len(some):
                dropped.append(some[good])
                some = some[:good]
                start += 1
            if not some:
                continue
            start += good
            sent = 0
            if not link.backlog:
                sent = convoy.send(link.shared, rows, batch, [viewer.name for viewer in some])
            for row in range(sent, good):
                run = [convoy.row(rows, batch, row)], ancillary
                self._send_row(some[row], batch, run, dropped)
        return len(dropped) - before

    def _send_row(self, viewer: "Viewer", batch: Batch, run: Run, dropped: "list[Viewer]") -> None:
        """Send one row by itself: the kernel did not take it with the others."""
        link = viewer.link
        if link is None:
            dropped.append(viewer)
        elif link.backlog:
            if not self._hold(viewer, (run,)):
                dropped.append(viewer)
        else:
            try:
                link.sendmsg(run[0], run[1], 0, viewer.address)
            except OSError as error:
                if not self._recover(viewer, batch, (run,), error):
                    dropped.append(viewer)

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
                index = next(number for number, other in enumerate(runs) if other is run)
                if not self._recover(viewer, batch, runs[index:], error):
                    dropped.append(viewer)
                    refused += 1
                runs = batch.runs
        return refused

    def _hold(self, viewer: "Viewer", runs: Sequence[Run]) -> bool:
        if viewer.link is None or viewer.address is None:
            return False
        self._counters.held += 1
        return viewer.link.hold(runs, viewer.address)

    def _recover(self, viewer: "Viewer", batch: Batch, rest: Sequence[Run], error: OSError) -> bool:
        """Go on where the first of ``rest`` failed; false when the viewer misses packets."""
        if isinstance(error, BlockingIOError | InterruptedError):
            return self._hold(viewer, rest)
        self._counters.send_errors += 1
        if viewer.link is None or viewer.address is None:
            return False
        if not rest[0][1] or not self._press.segmentation.explains(error):
            return False
        for buffers, ancillary in rest:
            for packet in packets(b"".join(buffers), ancillary):
                viewer.link.send(packet, viewer.address)
        self._press.cut(batch)
        return True
