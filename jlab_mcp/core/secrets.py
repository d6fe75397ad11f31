"""Names of variables that sound as if they held a secret."""

from __future__ import annotations

import re

MASK = "***"
"""What is shown in place of a secret."""

_VARS = "env.vars."
_SECRET = re.compile(
    r"(?:^|_)(?:\w*TOKEN|\w*PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRETS?|CREDENTIALS?|AUTH"
    r"|(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION)_?KEY|PAT)(?:_\w+)?$"
)
_HARMLESS = re.compile(r"(?:^(?:OLD)?PWD$)|(?:_(?:FILE|PATH|DIR|URL|PARALLELISM)$)")
"""Names that only tell where a secret is, and others that look alike."""


def is_secret(setting: str | None) -> bool:
    """Say whether the value of a dotted path is likely to be a secret: a variable whose name sounds so."""
    return setting is not None and setting.startswith(_VARS) and sounds_secret(setting.removeprefix(_VARS))


def sounds_secret(name: str) -> bool:
    """Say whether a variable of this name is likely to hold a secret, such as `HF_TOKEN`."""
    upper = name.upper()
    return bool(_SECRET.search(upper)) and not _HARMLESS.search(upper)
