"""ICE-lite (RFC 8445 section 2.5): the browser probes, this side answers and follows it."""

import secrets
from typing import Final

from gateway.mediaserver.transport import stun
from gateway.mediaserver.transport.link import Address

_MOST_ADDRESSES: Final = 16
_SILENT_SECONDS: Final = 7.0
"""Longer than browsers take between two checks of the way in use (4 to 6 s)."""


class IceLite:
    """One viewer's ICE: credentials, the addresses that it has proved to own, the chosen one.

    ``checked`` is when the last valid check came, in monotonic seconds (RFC 7675: consent).
    """

    __slots__ = ("_chosen_checked", "addresses", "checked", "chosen", "password", "ufrag")

    def __init__(self, now: float) -> None:
        self.ufrag = secrets.token_urlsafe(6).replace("-", "+").replace("_", "/")
        self.password = secrets.token_urlsafe(18).replace("-", "+").replace("_", "/").encode()
        self.addresses: tuple[Address, ...] = ()
        self.chosen: Address | None = None
        self.checked = now
        self._chosen_checked = now

    def answer(self, request: stun.Request, address: Address, now: float) -> bytes | None:
        """Return the answer to a check from ``address``, or nothing when it is not authentic.

        A valid check proves the address. It becomes the chosen one when the browser nominates it,
        when none is chosen yet, or when the chosen one has fallen silent: a phone that moves from
        Wi-Fi to mobile data is followed.
        """
        if not request.authentic(self.password):
            return None
        if request.controlled:
            return stun.role_conflict(request.transaction, self.password)
        if request.unknown:
            return stun.unknown_attributes(request.transaction, request.unknown, self.password)
        self.checked = now
        if address not in self.addresses:
            self.addresses = (*self._kept(), address)
        silent = now - self._chosen_checked > _SILENT_SECONDS
        if self.chosen is None or request.use_candidate or silent:
            self.chosen = address
        if address == self.chosen:
            self._chosen_checked = now
        return stun.success(request.transaction, (address[0], address[1]), self.password)

    def forget(self, address: Address) -> None:
        """Take note that nobody is at ``address`` any more: its connection is closed."""
        self.addresses = tuple(other for other in self.addresses if other != address)
        if self.chosen == address:
            self.chosen = None

    def _kept(self) -> tuple[Address, ...]:
        """Return the addresses that stay when another one comes."""
        if len(self.addresses) < _MOST_ADDRESSES:
            return self.addresses
        oldest = next(address for address in self.addresses if address != self.chosen)
        return tuple(address for address in self.addresses if address != oldest)
