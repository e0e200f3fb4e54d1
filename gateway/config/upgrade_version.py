"""The version of the configuration's keys: what ``version`` in ``gateway.yaml`` counts.

It rises when a key gets another name or meaning, never when one is added.
"""

from typing import Any, Final

CURRENT: Final = 1


def version_of(data: Any) -> int:
    """Return the version that a company file's plain data says; 1 where it says none.

    Raises ValueError for what is no whole number from 1 on.
    """
    written = data.get("version", 1) if isinstance(data, dict) else 1
    number = int(str(written))
    if number < 1:
        raise ValueError
    return number


def refusal(data: Any, current: int = CURRENT) -> str | None:
    """Return why a file of this version is not read, ``None`` if it is.

    What is no version at all is left to the schema.
    """
    try:
        version = version_of(data)
    except ValueError:
        return None
    if version > current:
        return (
            f"is {version}, and this gateway reads version {current}: the files were written for a "
            "newer gateway; install that one, or put back the files of before its upgrade"
        )
    if version < current:
        return (
            f"is {version}, and this gateway reads version {current}; "
            "see what would change by gateway upgrade-config, then add --write"
        )
    return None
