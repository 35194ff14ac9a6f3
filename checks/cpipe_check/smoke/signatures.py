"""What a method takes: as the file's text has it, or read off the library class that it is inherited from."""

from __future__ import annotations

import inspect
import typing
from typing import Any

from cpipe_check.smoke.job import Argument, Signature
from cpipe_check.smoke.reference.find import find

_EMPTY = inspect.Parameter.empty
_KINDS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class NoSignature(Exception):
    """A method's arguments cannot be told. The message names it."""


def arguments(signature: Signature, method: str) -> tuple[Argument, ...]:
    """Return a method's arguments: as the file's text has them, or those of the library class that it inherits from.

    Raises:
        NoSignature: when neither tells them.
    """
    if signature.arguments is not None:
        return signature.arguments
    cls = find(signature.inherited_from)
    if not isinstance(cls, type):
        raise NoSignature(f"the signature of `{method}` cannot be told from the text of the file")
    if not any(method in vars(base) for base in cls.__mro__):
        raise NoSignature(f"`{cls.__name__}`, which the pipeline inherits from, has no `{method}`")
    return of_function(getattr(cls, method))


def of_function(function: Any) -> tuple[Argument, ...]:
    """Return the arguments of a method that has been imported."""
    hints = _hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return tuple(_argument(parameter, hints.get(parameter.name, parameter.annotation)) for parameter in parameters)


def _hints(function: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function))
    except Exception:
        # A name that only a type checker imports.
        return {}


def _argument(parameter: inspect.Parameter, hint: Any) -> Argument:
    written = parameter.annotation
    text = None if written is _EMPTY else getattr(written, "__name__", None) or str(written)
    if written is not _EMPTY and not isinstance(written, type):
        text = str(written)
    default = None if parameter.default is _EMPTY else repr(parameter.default)
    return Argument(parameter.name, _KINDS.get(parameter.kind, "positional"), text, default, tuple(_classes(hint)))


def _classes(hint: Any) -> list[str]:
    """The dotted paths of the classes in a hint, but for Python's own."""
    if isinstance(hint, type) and not typing.get_args(hint):
        return [] if hint is _EMPTY or hint.__module__ == "builtins" else [f"{hint.__module__}.{hint.__qualname__}"]
    return [path for part in typing.get_args(hint) for path in _classes(part)]
