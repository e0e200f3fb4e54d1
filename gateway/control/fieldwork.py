"""What technicians and administrators work with, together: surveys, registrations, records."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.control.buildings import Buildings
from gateway.control.ports import Records
from gateway.control.registration import Registrations
from gateway.control.survey import Surveys
from gateway.model.survey import Acceptance


@dataclass(frozen=True, slots=True)
class Fieldwork:
    """``page(record, language)`` prints an acceptance record as a whole HTML page.

    ``page_style`` is the hash of the page's one style, as a Content-Security-Policy names it.
    """

    surveys: Surveys
    registrations: Registrations
    records: Records
    buildings: Buildings
    page: Callable[[Acceptance, str], str]
    page_style: str = "'none'"
