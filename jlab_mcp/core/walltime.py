"""SLURM's ways of writing a duration."""

from __future__ import annotations

import re

ALLOWED_WALLTIME = (
    "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or"
    " days-hours:minutes:seconds, such as 90, 4:00:00 or 1-12"
)

_FORMS = (
    re.compile(r"(?P<m>\d+)(?::(?P<s>[0-5]?\d))?", re.ASCII),
    re.compile(r"(?P<h>\d+):(?P<m>[0-5]?\d):(?P<s>[0-5]?\d)", re.ASCII),
    re.compile(r"(?P<d>\d+)-(?P<h>\d+)(?::(?P<m>[0-5]?\d)(?::(?P<s>[0-5]?\d))?)?", re.ASCII),
)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def walltime_seconds(text: str) -> int:
    """Return the seconds that a SLURM duration stands for.

    Raises:
        ValueError: it is none of SLURM's forms, or zero.
    """
    for form in _FORMS:
        if match := form.fullmatch(text.strip()):
            seconds = sum(
                _SECONDS[unit] * int(digits) for unit, digits in match.groupdict(default="0").items()
            )
            if seconds > 0:
                return seconds
    raise ValueError(ALLOWED_WALLTIME)
