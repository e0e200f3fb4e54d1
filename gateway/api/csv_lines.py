"""Tables that people open with a spreadsheet (RFC 4180)."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return lines of CSV (RFC 4180) in which no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    # OWASP, CSV injection: a quote in front makes any spreadsheet take it for text.
    return f"'{text}" if text.startswith(_FORMULA) else text
