"""All servers' folders, so that a look at one site opens only that site's.

A thousand sites ask now and again; each time to go through a thousand folders would be a million.
"""

import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from gateway.runtime.folder import Folder, Label

_FRESH_NS: Final = 2_000_000_000
"""A directory that has changed just now may change again without showing it: its time is coarse."""


class Folders:
    """The folders in ``root``, by site; what is known is read anew only when it has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed = 0
        self._paths: list[Path] = []
        self._labels: dict[Path, tuple[int, Label]] = {}
        self._sites: defaultdict[str, set[Path]] = defaultdict(set)
        self._bare: set[Path] = set()

    def labelled(self, site: str | None = None) -> list[tuple[Folder, Label]]:
        """Return the folders that carry our label, of one ``site`` if named; raises OSError."""
        self._list()
        # A folder is made before its label: those without one are looked at each time.
        for path in list(self._bare):
            self._label(path)
        paths = self._paths if site is None else sorted(self._sites.get(site, ()))
        found = [(Folder(path), self._label(path)) for path in paths]
        return [
            (folder, label)
            for folder, label in found
            if label is not None and site in (None, label.spec.site)
        ]

    def forget(self, path: Path) -> None:
        """Forget a folder that was removed."""
        known = self._labels.pop(path, None)
        if known is not None:
            self._leave(known[1].spec.site, path)
        self._bare.discard(path)
        self._listed = 0

    def _list(self) -> None:
        try:
            changed = self._root.stat().st_mtime_ns
            if changed == self._listed:
                return
            # What a removal that was cut off has left begins with a dot.
            paths = sorted(path for path in self._root.iterdir() if path.name[0] != ".")
        except FileNotFoundError:
            changed, paths = 0, []
        for gone in set(self._paths).difference(paths):
            self.forget(gone)
        self._bare |= set(paths).difference(self._labels)
        settled = time.time_ns() - changed > _FRESH_NS
        self._listed = changed if settled else 0
        self._paths = paths

    def _label(self, path: Path) -> Label | None:
        folder = Folder(path)
        changed = folder.label_changed()
        known = self._labels.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        if known is not None:
            del self._labels[path]
            self._leave(known[1].spec.site, path)
        label = folder.label()
        if label is None:
            self._bare.add(path)
            return None
        self._bare.discard(path)
        self._labels[path] = (changed, label)
        self._sites[label.spec.site].add(path)
        return label

    def _leave(self, site: str, path: Path) -> None:
        self._sites[site].discard(path)
        if not self._sites[site]:
            del self._sites[site]
