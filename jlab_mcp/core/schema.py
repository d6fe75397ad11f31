"""The JSON Schema of a profile file, for editors and for checking shipped profiles.

`python -m jlab_mcp.core.schema > schemas/profile.schema.json` writes the shipped copy anew.
"""

from __future__ import annotations

import json
import sys

from jlab_mcp.core.profile import Profile


def profile_schema() -> str:
    """Return the schema as the text of its file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "jlab-mcp profile",
        **Profile.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(profile_schema())
