"""Ids are never taken for numbers by what passes them on."""

from __future__ import annotations

import importlib
import re

import pytest


@pytest.mark.parametrize("home", ["jlab_mcp.core.ids", "jlab_mcp.node.ids"])
@pytest.mark.parametrize("digits", [8, 16])
def test_an_id_begins_with_a_letter_and_has_the_digits_that_were_asked_for(home: str, digits: int):
    made = {importlib.import_module(home).random_id(digits) for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(rf"[a-f][0-9a-f]{{{digits - 1}}}", each) for each in made)
