"""Making one tiny component."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cpipe_check.smoke.reference import shrink
from cpipe_check.smoke.reference.blueprints import BLUEPRINTS
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.find import blueprint_name


class CannotMake(Exception):
    """No tiny component of a class can be made. The message says why, on one line."""


def make(cls: type, dimensions: Dimensions, changes: Mapping[str, Any] | None = None) -> Any:
    """Return a tiny component of a class that fits the rest of its set; `changes` go over its configuration.

    Raises:
        CannotMake: when the class takes no configuration that we can think of.
    """
    try:
        return _make(cls, dimensions, dict(changes or {}))
    except Exception as error:
        raise CannotMake(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def _make(cls: type, dimensions: Dimensions, changes: dict[str, Any]) -> Any:
    import transformers

    blueprint = BLUEPRINTS.get(blueprint_name(cls.__name__))
    if blueprint is not None and not isinstance(blueprint, Mapping):
        blueprint = blueprint(dimensions)
    if blueprint is not None and not isinstance(blueprint, Mapping):
        if isinstance(blueprint, transformers.PreTrainedConfig):
            return cls(blueprint)
        if changes:
            raise ValueError(f"the configuration of a {cls.__name__} cannot be changed")
        return blueprint
    configuration_class = getattr(cls, "config_class", None)
    if configuration_class is not None and inspect.isclass(configuration_class):
        return _of_transformers(cls, configuration_class, blueprint, changes, dimensions)
    if blueprint is None:
        sized = hasattr(cls, "load_config") and not cls.__name__.endswith("Scheduler")
        blueprint = shrink.of_signature(cls, dimensions) if sized else {}
    taken = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    every = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values())
    known = {name: value for name, value in blueprint.items() if every or name in taken}
    if "num_layers" in known and "layers" in dimensions.asked:
        known["num_layers"] = dimensions.asked["layers"]
    return cls(**{**known, **changes})


def _of_transformers(
    cls: Any, configuration_class: type, blueprint: Mapping[str, Any] | None, changes: dict[str, Any], d: Dimensions
) -> Any:
    if blueprint is not None:
        return cls(configuration_class(**{**blueprint, **changes}))
    configuration = shrink.of_configuration(configuration_class(), d)
    for name, value in changes.items():
        setattr(configuration, name, value)
    return cls(configuration)
