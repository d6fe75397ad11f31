"""Write the reference pages into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.generate import commands, errors, settings, shipped, tools
from docs.generate.markdown import NOTICE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGES: Mapping[str, Callable[[], str]] = {
    "tools.md": tools.page,
    "commands.md": commands.page,
    "settings.md": settings.page,
    "errors.md": lambda: f"{NOTICE}\n{errors.page()}",
    "shipped-profiles.md": shipped.page,
}


def main(folder: Path) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
