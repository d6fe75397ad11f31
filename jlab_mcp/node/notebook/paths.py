"""Where notebooks may lie, and how new ones are named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ..errors import BadRequest, NotebookNotFound, PathOutsideRoot

_SUFFIX = ".ipynb"
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_LONGEST = 200  # bytes of a file name, leaving room for _continued_99.ipynb within the usual 255


def inside(root: str, path: str) -> str:
    """Return the absolute path of `path` (taken from `root` where relative).

    Raises:
        PathOutsideRoot: it leads out of `root`, symbolic links followed.
    """
    full = os.path.normpath(os.path.join(root, os.path.expanduser(path)))
    real_root = os.path.realpath(root)
    real = os.path.realpath(full)
    if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise PathOutsideRoot(f"{path} lies outside the notebook folder {root}", root=root)
    return full


def existing_notebook(root: str, path: str) -> str:
    """Return the absolute path of a notebook that exists; the suffix may be left out.

    Raises:
        PathOutsideRoot: it leads out of `root`.
        NotebookNotFound: there is no file.
    """
    full = inside(root, path)
    for candidate in (full, full + _SUFFIX):
        if os.path.isfile(candidate):
            return candidate
    raise NotebookNotFound(f"there is no notebook at {full}", root=root)


def shown_name(name: str) -> str:
    """Return a name on one line, without characters that other systems refuse in file names."""
    return _FORBIDDEN.sub("_", name).strip()


def new_stem(root: str, name: str) -> str:
    """Return the absolute path, without suffix, for a notebook called `name`.

    A `/` in the name makes folders below `root`; characters that other systems refuse become `_`.

    Raises:
        BadRequest: nothing is left of the name.
        PathOutsideRoot: it leads out of `root`.
    """
    cleaned = shown_name(name)
    cleaned = cleaned.removesuffix(_SUFFIX)
    last = cleaned.rsplit("/", 1)[-1].strip()
    if not last or last.strip(".") == "":
        raise BadRequest(f"{name!r} is no name for a notebook; use letters and digits")
    if len(last.encode("utf-8", "replace")) > _LONGEST:
        raise BadRequest(f"the name is longer than {_LONGEST} bytes: {last[:40]}…")
    return inside(root, cleaned)


def free_names(stem: str) -> Iterator[str]:
    """Yield `STEM.ipynb`, `STEM_2.ipynb`, `STEM_3.ipynb`, … for the caller to try in turn."""
    yield stem + _SUFFIX
    number = 2
    while True:
        yield f"{stem}_{number}{_SUFFIX}"
        number += 1


def outputs_folder(notebook: str) -> str:
    """Folder beside a notebook for output that is too long for its cells."""
    return notebook[: -len(_SUFFIX)] + "_outputs" if notebook.endswith(_SUFFIX) else notebook + "_outputs"
