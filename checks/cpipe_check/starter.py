"""`cpipe-check --new`: a starter pipeline that passes every rule and runs."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

_TEMPLATE = Path(__file__).with_name("starter_pipeline.txt")


def write_starter(path: Path) -> str:
    """Write a starter pipeline to `path` and return what to tell the user.

    Raises:
        click.ClickException: when the name is no Python file name, or the file exists or cannot be written.
    """
    stem = path.name.removesuffix(".py")
    if path.suffix != ".py" or not stem.isidentifier() or keyword.iskeyword(stem):
        raise click.BadParameter(f"{path.name!r} is not the name of a Python module, such as one_step_unet.py")
    text = _TEMPLATE.read_text(encoding="utf-8").replace("STARTER_CLASS", class_name(stem))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{path} exists; it is left as it is") from None
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from None
    return f"wrote {path}; now run: cpipe-check {path}"


def class_name(stem: str) -> str:
    """Return the name of the pipeline class for a module: `one_step_unet` gives `OneStepUnetPipeline`."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"_+", stem) if part) or "My"
    name = name if name.isidentifier() else f"My{name}"
    return name if name.endswith("Pipeline") else f"{name}Pipeline"
