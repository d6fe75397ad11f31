"""Fetches the corpus from the package index that is configured: pinned, and checked by hash.

uv resolves, so that the index, its certificates and its proxies are those of the user's own settings; the
source distributions are downloaded as they are, because building one leaves its notebooks out.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "corpus"
_UV = str(Path(sys.executable).with_name("uv"))
_SECONDS = 240


def fetch() -> tuple[Path, Path]:
    """Return the folder of the unpacked sources, and the one of the packages that their code imports."""
    wanted = (HERE / "sources.txt").read_bytes() + (HERE / "needs.txt").read_bytes() + sys.version.encode()
    folder = CACHE / hashlib.sha256(wanted).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    sources, site = folder / "sources", folder / "site"
    with _locked(folder / "lock"):
        stamp = folder / "complete"
        if not stamp.exists():
            _fetch_sources(sources)
            _uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(site),
                "--python", sys.executable, "--requirements", str(HERE / "needs.txt"))  # fmt: skip
            stamp.touch()
    return sources, site


def _fetch_sources(folder: Path) -> None:
    hashes = dict(_pins((HERE / "sources.txt").read_text()))
    requirements = "\n".join(hashes)
    lock = _uv("pip", "compile", "--quiet", "--no-deps", "--format", "pylock.toml",
               "--python", sys.executable, "-", given=requirements)  # fmt: skip
    packages = tomllib.loads(lock)["packages"]
    urls = {f"{package['name']}=={package['version']}": package["sdist"]["url"] for package in packages}
    with httpx.Client(timeout=_SECONDS, follow_redirects=True) as http, ThreadPoolExecutor(6) as pool:
        contents = pool.map(lambda pin: http.get(urls[pin]).raise_for_status().content, hashes)
        for pin, content in zip(hashes, contents, strict=True):
            assert hashlib.sha256(content).hexdigest() == hashes[pin], f"{pin} is not what was pinned"
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(folder, filter="data")


def _pins(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            pin, _, given = line.partition(" --hash=sha256:")
            yield pin, given


def _uv(*arguments: str, given: str = "") -> str:
    done = subprocess.run(
        [_UV, *arguments],
        env=_environment(),
        input=given,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"uv {' '.join(arguments)}: {done.stderr.strip()[-1000:]}"
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the environment in which uv uses the index that pip is set up for, as `make setup` does."""
    env = dict(os.environ)
    if not env.get("UV_DEFAULT_INDEX"):
        asked = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        index = env.get("PIP_INDEX_URL") or asked.stdout.strip()
        if index:
            env["UV_DEFAULT_INDEX"] = index
    return env


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
