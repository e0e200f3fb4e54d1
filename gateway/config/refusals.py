"""Why an edit is refused, in words for whoever asked for it."""

from gateway.config.files import reason
from gateway.model.errors import ErrorKind, GatewayError


def bad_id(site: str) -> GatewayError:
    """Return the refusal of an id that names no file."""
    return GatewayError(
        ErrorKind.BAD_REQUEST,
        f"{site[:60]!r} is no id of a site",
        "use small letters, digits and dashes, for example lenina-12",
        reason="bad_id",
    )


def changed(site: str) -> GatewayError:
    """Return the refusal of an edit that somebody else was faster than."""
    return GatewayError(
        ErrorKind.CONFLICT,
        f"{site}.yaml has been changed in the meantime, and that change was kept",
        "look at the file again and repeat the edit",
        reason="changed",
    )


def busy(site: str) -> GatewayError:
    """Return the refusal of an edit that has waited too long."""
    return GatewayError(
        ErrorKind.CONFLICT,
        f"{site}.yaml is being edited by somebody else",
        "try again",
        reason="busy",
    )


def by_hand(name: str) -> GatewayError:
    """Return the refusal of a file whose layout only a person can change."""
    return GatewayError(
        ErrorKind.CONFLICT,
        f"{name} is written in a way that cannot be edited without changing other lines",
        "make this change by hand",
        reason="by_hand",
    )


def unwritable(name: str, error: OSError) -> GatewayError:
    """Return the failure of the file system."""
    return GatewayError(
        ErrorKind.INTERNAL,
        f"{name} cannot be read or written: {reason(error)}",
        "see who owns the directory, and whether the disk is full or read-only",
        reason="unwritable",
    )


def taken(site: str) -> GatewayError:
    """Return the refusal of a new building under an id that is in use."""
    return GatewayError(
        ErrorKind.CONFLICT,
        f"the site {site} exists already",
        "choose another id",
        reason="site_taken",
    )


def no_site(site: str) -> GatewayError:
    """Return the refusal of an edit of a building that has no file."""
    return GatewayError(
        ErrorKind.NOT_FOUND, f"there is no site {site}", "create it first", reason="no_site"
    )
