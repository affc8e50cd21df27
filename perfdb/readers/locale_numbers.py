"""Numbers as a program printed them for people: `20,726,984.943082`, `20.726.984,943082`, `20 726 984,94`.

Nothing says which separator is the decimal one, so it is learned from the numbers themselves. These give it away: two
kinds of separators (the last is decimal), one that comes twice (it groups), a group that has not three digits, and any
separator in a column of whole numbers (it groups). `1,234` alone gives nothing away. Blanks of any kind and apostrophes
always group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUPING = {ord(each): None for each in " \t\u00a0\u2009\u202f'\u2019"}
_OTHER = {".": ",", ",": "."}

_NO_DIGITS = {ord(each): None for each in "0123456789"}

_WHOLE = {
    "": re.compile(r"[0-9]{1,18}"),
    ".": re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{2,3}){0,5},[0-9]{3}"),
    ",": re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:\.[0-9]{2,3}){0,5}\.[0-9]{3}"),
}
"""What may stand before the decimal separator, by that separator. Groups of two are those of India."""

_MOST_DECIMALS = 18
_MOST = 1 << 62


@dataclass
class LocaleNumbers:
    """The numbers of one file. `point` is the decimal separator once it is known, else ""."""

    point: str = ""

    def learn(self, text: str, is_whole: bool) -> bool:
        """Look at a number for evidence; False where it cannot be read before there is some."""
        text = text.strip()
        plain = text.translate(_GROUPING)
        separators = plain.translate(_NO_DIGITS)
        if self.point or not separators or not set(separators) <= {",", "."}:
            return True
        last = separators[-1]
        before, _, after = plain.rpartition(last)
        if len(set(separators)) > 1 or separators.count(last) > 1:
            self.point = last if separators.count(last) == 1 else _OTHER[last]
        elif is_whole:
            self.point = _OTHER[last] if len(after) == 3 else ""
            return True
        elif plain != text or len(after) != 3 or len(before) > 3 or before in ("", "0"):
            self.point = last
        return bool(self.point)

    def whole(self, text: str) -> int | None:
        """A number without decimals; None where it is no such number."""
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DECIMALS:
            return int(text)  # nearly always, and much faster
        return None if self.point and self.point in text else self.scaled(text, 0)

    def scaled(self, text: str, digits: int) -> int | None:
        """A number that is not negative times ten to the power of `digits`, rounded; None where it is no number."""
        if not text.isalnum():
            text = text.strip().translate(_GROUPING)
        whole, point, part = text.partition(self.point) if self.point else (text, "", "")
        if (point and not part.isdecimal()) or len(part) > _MOST_DECIMALS:
            return None
        if not _WHOLE[self.point].fullmatch(whole):
            return None
        value = int(whole.replace(_OTHER[self.point], "") if self.point else whole) * 10**digits
        if part:
            value += int(part[:digits].ljust(digits, "0") or "0") + (part[digits : digits + 1] >= "5")
        return value if value <= _MOST else None
