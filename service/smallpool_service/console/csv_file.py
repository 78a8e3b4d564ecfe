"""Tables as CSV that a spreadsheet shows and never runs.

In: rows of values. Out: UTF-8 with a byte order mark, so that Excel reads Chinese; a cell that a spreadsheet would take for a formula
begins with an apostrophe.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from fastapi import Response

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: object) -> str:
    """The cell as text that is not taken for a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The table as a download."""
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(written.getvalue().encode("utf-8-sig", "replace"), media_type="text/csv", headers=headers)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text.isascii()
