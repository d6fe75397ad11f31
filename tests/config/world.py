"""A user's, a site's and a project's folders for tests of the layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from jlab_mcp.app.context import load
from jlab_mcp.core.resolver import Origin, ResolvedProfile
from jlab_mcp.errors import ConfigError


@dataclass
class World:
    """Folders with settings, and the environment that leads to them."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.user / "profiles", self.site / "profiles", self.project):
            folder.mkdir(parents=True)
        self.env = {"HOME": str(self.home), "XDG_CONFIG_DIRS": str(self.root / "site"), "PATH": "/nowhere"}

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def user(self) -> Path:
        return self.home / ".config/jlab-mcp"

    @property
    def site(self) -> Path:
        return self.root / "site/jlab-mcp"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def project_file(self) -> Path:
        return self.project / ".jlab-mcp.toml"

    def profile(self, name: str, text: str, *, level: str = "user") -> Path:
        path = (self.user if level == "user" else self.site) / f"profiles/{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def load(
        self, profile: str | None = None, *, flags: dict[str, str] | None = None, **env: str
    ) -> ResolvedProfile:
        said = {path: Origin("flag", f"--set {path}", text) for path, text in (flags or {}).items()}
        return load(profile, flags=said, project_dir=self.project, environ={**self.env, **env})

    def problems(
        self, profile: str | None = None, *, flags: dict[str, str] | None = None, **env: str
    ) -> list[str]:
        """Load, expect it to fail, and return what is said; the folder of the user's profiles is left out."""
        try:
            self.load(profile, flags=flags, **env)
        except ConfigError as error:
            return [problem.replace("~/.config/jlab-mcp/profiles/", "") for problem in error.problems]
        return []
