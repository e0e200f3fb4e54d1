"""The surveys of all sites: one at a time per site, each a task with an owner."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from gateway.control.survey_run import Survey
from gateway.control.survey_tools import Order, Tools
from gateway.kit.tasks import Tasks
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential

DEADLINE_S: Final = 600.0
MOST_TARGETS: Final = 256


@dataclass(slots=True)
class Surveys:
    """Starts, shows and ends surveys; the last one of each site is kept until the next.

    ``changed`` is called when a survey has ended: cameras may be known better by now.
    """

    tools: Tools
    fleet: Callable[[], Fleet]
    changed: Callable[[], object] = lambda: None
    _last: dict[str, Survey] = field(default_factory=dict, init=False)
    _tasks: Tasks = field(default_factory=lambda: Tasks("surveys"), init=False)
    _keeping: Tasks = field(default_factory=lambda: Tasks("ended surveys"), init=False)
    _ending: dict[str, Callable[[], object]] = field(default_factory=dict, init=False)

    def start(
        self,
        site_id: str,
        *,
        targets: Sequence[str] = (),
        credentials: Sequence[Credential] = (),
        deadline_s: float = DEADLINE_S,
        pictures: bool = True,
    ) -> Survey:
        """Begin to survey a site, or only some addresses of it.

        Raises NOT_FOUND, CONFLICT while another survey of the site runs, BAD_REQUEST for an
        address that cannot be surveyed.
        """
        site = self.fleet().sites.get(site_id)
        if site is None:
            raise GatewayError(
                ErrorKind.NOT_FOUND, "There is no such site.", "create its file first"
            )
        if self.running(site_id):
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"A survey of {site_id} is running.",
                "wait for its end, or cancel it",
                reason="survey_running",
            )
        wanted = tuple(dict.fromkeys(checked_target(one) for one in targets))
        if len(wanted) > MOST_TARGETS:
            raise GatewayError(
                ErrorKind.BAD_REQUEST, f"More than {MOST_TARGETS} addresses.", "survey the site"
            )
        order = Order(
            id=secrets.token_hex(8),
            site=site,
            targets=wanted,
            credentials=tuple(credentials),
            deadline_s=deadline_s,
            pictures=pictures,
        )
        survey = self._last[site_id] = Survey(order, self.tools)
        task = self._tasks.spawn(survey.run(), site_id)
        self._ending[order.id] = task.cancel
        task.add_done_callback(lambda _: self._ended(survey))
        return survey

    async def restore(self) -> None:
        """Show again what the last surveys have come to before this gateway began."""
        fleet = self.fleet()
        try:
            ended = await self.tools.records.ended_surveys(fleet.sites.keys() | fleet.unreadable)
        except GatewayError as error:
            self._log().warning("earlier surveys cannot be read", reason=str(error))
            return
        for status in ended:
            site = fleet.sites.get(status.site)
            if site is not None and site.id not in self._last:
                survey = self._last[site.id] = Survey(Order(id=status.id, site=site), self.tools)
                survey.restore(status)

    def running(self, site_id: str) -> Survey | None:
        """Return the survey that runs at a site."""
        survey = self._last.get(site_id)
        return survey if survey is not None and survey.running else None

    def last(self, site_id: str) -> Survey | None:
        """Return the survey of a site that runs or has run last."""
        return self._last.get(site_id)

    def busy(self) -> bool:
        """Tell whether any survey runs."""
        return any(survey.running for survey in self._last.values())

    def get(self, site_id: str, survey_id: str) -> Survey:
        """Return a site's survey; raises NOT_FOUND for one that is forgotten."""
        survey = self._last.get(site_id)
        if survey is None or survey.order.id != survey_id:
            raise GatewayError(ErrorKind.NOT_FOUND, "There is no such survey.", "start another one")
        return survey

    def cancel(self, site_id: str, survey_id: str) -> None:
        """Ask a survey to end now; raises NOT_FOUND."""
        self.get(site_id, survey_id)
        ending = self._ending.get(survey_id)
        if ending is not None:
            ending()

    async def close(self) -> None:
        """End all surveys; what they have seen until now is kept."""
        await self._tasks.close()
        await self._keeping.settle()

    async def _keep(self, survey: Survey) -> None:
        try:
            await self.tools.records.end_survey(survey.status())
        except GatewayError as error:
            self._log().warning("a survey cannot be kept", reason=str(error))
        self.changed()

    @staticmethod
    def _log() -> Any:
        return structlog.get_logger("survey")

    def _ended(self, survey: Survey) -> None:
        self._ending.pop(survey.order.id, None)
        survey.abandoned()
        self._keeping.spawn(self._keep(survey), survey.order.site.id)


def checked_target(target: str) -> str:
    """Return an address that may be surveyed; raises BAD_REQUEST, never repeating a password."""
    text = target.strip()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _no_address() from error
    if "@" in parts.netloc:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "The address holds a user or a password.",
            "leave them out; they are given as a credential",
            reason="password_in_address",
        )
    if not host or parts.scheme not in {"", "http", "https", "rtsp"} or not text.isprintable():
        raise _no_address()
    return text


def _no_address() -> GatewayError:
    return GatewayError(
        ErrorKind.BAD_REQUEST,
        "That is no address.",
        "write 10.12.0.21, 10.12.0.21:8000, http://... or rtsp://...",
        reason="no_address",
    )
