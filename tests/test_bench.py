"""The bench measures, and what it measures without a clock holds on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parent.parent


def test_a_run_prints_a_table_and_writes_json_and_a_hundred_megabytes_arrive(tmp_path: Path) -> None:
    rows = ["resources", "output"]
    only = [word for row in rows for word in ("--only", row)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *only, "--output", str(tmp_path / "results.json")],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "check_resources" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert ([figure["name"] for figure in results["figures"]], results["failures"]) == (rows, {})
    checks = {check["label"]: check for check in results["figures"][1]["checks"]}
    assert checks["memory"]["met"], checks
    assert checks["answer"]["met"], checks
    assert "right in every run" in " ".join(results["figures"][1]["notes"])
