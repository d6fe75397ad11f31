"""Ids that people and agents pass on."""

from __future__ import annotations

import secrets


def random_id(digits: int) -> str:
    """Return a random id of so many hexadecimal digits that begins with a letter.

    So no client, shell or YAML file takes it for a number, as it would `738245e4` or `12345678`.
    """
    return f"{secrets.choice('abcdef')}{secrets.token_hex(digits)[1:digits]}"
