"""Layers of settings through pydantic-settings, into one checked profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jlab_mcp.config.problems import describe
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import Layer, Origin, origins_of
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Settings(BaseSettings, Profile):
    """A profile put together from `layers`, highest first.

    pydantic-settings' own environment source cannot carry the flat published names, and reports no
    origins, so the layers are read by `config.environment` and `config.profiles`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

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


def merge(layers: Sequence[Layer], *, problems: Sequence[str] = ()) -> tuple[Profile, dict[str, Origin]]:
    """Merge layers, highest first, and check the outcome.

    Args:
        layers: what was read, highest first.
        problems: what reading them already found wrong; raised together with what checking finds.

    Raises:
        ConfigError: one or more values are wrong; names each value's origin.
    """
    origins = origins_of(layers)
    found = list(problems)
    settings: Profile | None = None
    try:
        settings = Settings(layers)
    except ValidationError as error:
        found += describe(error, origins)
    if found or settings is None:
        raise ConfigError(found)
    return settings, origins
