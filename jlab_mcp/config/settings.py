"""Layers of settings through pydantic-settings, into one checked profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jlab_mcp.config.problems import describe
from jlab_mcp.core.contradictions import contradictions
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import PUBLISHED_SLURM, Layer, Origins, origins_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo


class LayerSource(PydanticBaseSettingsSource):
    """One layer, already read, in the shape that pydantic-settings merges."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return the layer's value of one field; nested sections come as mappings."""
        return self._layer.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values of the layer."""
        return dict(self._layer.values)


class MergedProfile(BaseSettings, Profile):
    """A profile put together from `layers`, highest first.

    pydantic-settings' own environment source cannot carry the flat published names, and reports no
    origins, so the layers are read by the other modules here.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(layers=layers)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the given layers and nothing else."""
        layers: Sequence[Layer] = getattr(init_settings, "init_kwargs", {}).get("layers", ())
        return tuple(LayerSource(settings_cls, layer) for layer in layers)


def merge(layers: Sequence[Layer], *, home: Path, problems: list[str]) -> tuple[Profile | None, Origins]:
    """Merge layers, highest first, and check the outcome.

    Args:
        layers: what was read, highest first.
        home: the user's home, to show paths in short.
        problems: gets everything that is wrong, each with its origin.

    Returns:
        The profile, or None if its values are wrong, and where everything comes from.
    """
    origins = origins_of(layers)
    profile: Profile | None = None
    try:
        profile = MergedProfile(layers)
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        found = []
    problems += describe(found, contradictions(raw(layers)), origins.of, home=home)
    return profile, origins


def published_layer(layers: Sequence[Layer]) -> Layer:
    """Return the published defaults, without those that what was set leaves no room for."""
    stated = raw(layers)
    slurm = stated.get("slurm")
    slurm = slurm if isinstance(slurm, dict) else {}
    room = {
        name: value
        for name, value in PUBLISHED_SLURM.items()
        if name in slurm or not _clashes(name, {**slurm, name: value})
    }
    return Layer({"slurm": room}, {})


def _clashes(name: str, slurm: Mapping[str, Any]) -> bool:
    path = f"slurm.{name}"
    return any(path in (found.first, found.second) for found in contradictions({"slurm": slurm}))


def raw(layers: Sequence[Layer]) -> dict[str, Any]:
    """Lay mappings over each other, the first on top, without checking anything."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        _lay_over(merged, layer.values)
    return merged


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict):
            inner = below.get(key)
            below[key] = dict(inner) if isinstance(inner, dict) else {}
            _lay_over(below[key], value)
        else:
            below[key] = value
