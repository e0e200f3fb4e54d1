"""What the loops beside a site's own have to say of its cameras, for the site's next status."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.model.company import Problem, Severity
from gateway.model.device import DeviceFailure
from gateway.model.remark import NOTHING, Remark
from gateway.model.status import Checked


@dataclass(frozen=True, slots=True)
class CameraNote:
    """``trouble``: why a camera does not tell its streams; ``remarks`` are for its staff.

    ``checked`` is what the last full look has shown. Each remark stands under who has made it, so
    that it can be taken back.
    """

    trouble: DeviceFailure | None = None
    checked: Checked | None = None
    remarks: tuple[tuple[str, Remark], ...] = ()

    def with_remark(self, by: str, said: Remark) -> "CameraNote":
        """Return the note with another remark of ``by``, or with none where it is empty."""
        others = tuple(one for one in self.remarks if one[0] != by)
        return replace(self, remarks=(*others, (by, said)) if said else others)


_NOTHING: Final = CameraNote()


@dataclass(slots=True)
class Notes:
    """The notes of all cameras; whoever makes one also takes it back."""

    _notes: dict[tuple[str, str], CameraNote] = field(default_factory=dict, init=False)
    _versions: Counter[str] = field(default_factory=Counter, init=False)

    def version(self, site: str) -> int:
        """Return a number that differs when something else is noted of a site's cameras."""
        return self._versions[site]

    def of(self, site: str, camera: str) -> CameraNote:
        """Return what is noted of a camera."""
        return self._notes.get((site, camera), _NOTHING)

    def trouble(self, site: str, camera: str, failure: DeviceFailure | None) -> None:
        """Note why a camera does not tell its streams; ``None`` takes it back."""
        before = self.of(site, camera)
        if failure != before.trouble:
            self._put(site, camera, replace(before, trouble=failure))

    def checked(self, site: str, camera: str, seen: Checked | None) -> None:
        """Note what a full look has shown."""
        before = self.of(site, camera)
        if seen != before.checked:
            self._put(site, camera, replace(before, checked=seen))

    def remark(self, site: str, camera: str, by: str, said: Remark) -> bool:
        """Note something for the site's staff; the empty remark takes back what ``by`` has said.

        Tells whether that is news.
        """
        before = self.of(site, camera)
        if said == dict(before.remarks).get(by, NOTHING):
            return False
        self._put(site, camera, before.with_remark(by, said))
        return True

    def problems(self, site: str, camera: str) -> tuple[Problem, ...]:
        """Return a camera's remarks as the board shows them: warnings that hold nothing back."""
        return tuple(
            Problem(f"{site}.yaml", 0, camera, one.text, Severity.WARNING, one.code, one.values)
            for _, one in self.of(site, camera).remarks
        )

    def _put(self, site: str, camera: str, note: CameraNote) -> None:
        self._versions[site] += 1
        if note == _NOTHING:
            self._notes.pop((site, camera), None)
        else:
            self._notes[site, camera] = note
