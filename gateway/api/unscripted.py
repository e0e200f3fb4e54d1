"""A building's page for who has no JavaScript: the last pictures of its cameras, and a sentence.

Only of public sites: a ticket stands in the fragment, which only a script can read.
"""

from datetime import datetime
from html import escape
from typing import Final

from gateway.api.ports import Posters
from gateway.api.views import poster_address
from gateway.model.site import Access, Site

PLACE: Final = b"<!-- pictures -->"


def with_pictures(page: bytes, site: Site | None, posters: Posters, now: datetime) -> bytes:
    """Return the page with the pictures that everybody may see, at its mark."""
    figures = "" if site is None else _figures(site, posters, now)
    return page.replace(PLACE, figures.encode())


def _figures(site: Site, posters: Posters, now: datetime) -> str:
    if site.viewing.access is not Access.PUBLIC or not site.enabled:
        return ""
    found = []
    for camera in site.cameras:
        address = poster_address(site, camera.id, posters.get(site.id, camera.id), now)
        if address is None or not camera.enabled:
            continue
        names = " / ".join(dict.fromkeys(camera.name.as_json().values()))
        found.append(
            f'<figure><img src="{escape(address)}" alt="" loading="lazy">'
            f"<figcaption>{escape(names)}</figcaption></figure>"
        )
    return "".join(found)
