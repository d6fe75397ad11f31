"""Layers of settings through pydantic-settings, into one checked profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jlab_mcp.config.problems import describe, place
from jlab_mcp.config.tomlfile import leaves
from jlab_mcp.core.contradictions import contradictions
from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import PUBLISHED_SLURM, Layer, Origins, origins_of, setting_paths

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
    layers = uncovered(layers)
    origins = origins_of(layers)
    profile: Profile | None = None
    try:
        profile = MergedProfile(layers)
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        found = []
    problems += describe(found, contradictions(raw(layers)), origins.of, home=home)
    problems += _required_unknown(profile, origins, home) if profile else []
    return profile, origins


def uncovered(layers: Sequence[Layer]) -> list[Layer]:
    """Leave out of each layer the sections that a higher one takes back, or replaces by something else.

    pydantic-settings lays pairs of layers over each other from the top, so that a section above `none` would
    be joined with the one below it. What takes a section back is an origin of all that could be in it.
    """
    ends: set[str] = set()
    kept: list[Layer] = []
    for layer in layers:
        own = {path for path, _ in leaves(layer.values)}
        below = {path: end for path in setting_paths() for end in _parents(path) if end in own}
        origins = {path: layer.origins[end] for path, end in below.items() if end in layer.origins}
        kept.append(Layer(_without(layer.values, ends, ""), {**layer.origins, **origins}))
        ends |= own
    return kept


def _without(values: Mapping[str, Any], ends: set[str], prefix: str) -> dict[str, Any]:
    return {
        key: _without(value, ends, f"{prefix}{key}.") if isinstance(value, dict) else value
        for key, value in values.items()
        if not (isinstance(value, dict) and f"{prefix}{key}" in ends)
    }


def _parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _required_unknown(profile: Profile, origins: Origins, home: Path) -> list[str]:
    """Say of each setting that is required but does not exist, so that nobody could fill it in."""
    known = [*setting_paths()]
    where = place(origins.of["required"], "required", home)
    return [
        f"{where}: there is no setting {path}{nearest(path, known)}"
        for path in profile.required or ()
        if path not in known and not path.startswith("env.vars.")
    ]


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
