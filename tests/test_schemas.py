"""The shipped schema is the model's, and holds for the shipped profiles."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from jlab_mcp.core.schema import profile_schema

ROOT = Path(__file__).resolve().parent.parent


def test_the_shipped_schema_is_what_the_model_gives() -> None:
    shipped = (ROOT / "schemas/profile.schema.json").read_text(encoding="utf-8")
    assert shipped == profile_schema(), "run: python -m jlab_mcp.core.schema > schemas/profile.schema.json"


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_fits_the_schema(path: Path) -> None:
    schema = json.loads(profile_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema)
