"""What ids, names and keywords from outside may hold: one answer for events, requests, profiles, pools and the command line.

In: a text. Out: why it is refused, or nothing. Text that is sound here is stored and compared as it is, in any script; what a
terminal or a page must not obey is their own to escape.
"""

import re

from smallpool_core.normalise import has_surrogate

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's category Cc, whole."""


def text_problem(text: str, most: int) -> str | None:
    """Why the text may not be taken in; None where it has 1 to `most` characters, is not blank, and holds no control character and no
    lone surrogate.
    """
    if not text.strip() or len(text) > most:
        return f"a non-empty string of at most {most} characters is allowed"
    if has_surrogate(text):
        return "half of a surrogate pair cannot be stored as UTF-8"
    if _CONTROL.search(text):
        return "control characters are not allowed"
    return None
