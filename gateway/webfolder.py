"""Where the pages are, and with them the sentences that the gateway's codes stand for."""

from pathlib import Path


def web_folder() -> Path:
    """Return the folder of the pages: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "web"
    return inside if inside.is_dir() else package.parent / "web"
