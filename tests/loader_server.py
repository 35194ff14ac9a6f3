"""The real diffusers loader, kept warm: imports torch and diffusers once and forks for every pipeline file.

Reads a JSON array `[FILE, SCRATCH, PATHS]` a line and answers with `[STAGE, ERROR]` a line: the stage that failed (""
for none) of load (importing the file and finding its class), init (making the pipeline), components, save and reload,
and the error as Python prints it. With PATHS the file stands in a Hub repository of those files, the empty ones of
which are to be as in the tiny reference; then that repository is loaded before all else, in a stage of its name.
"""

import gc
import json
import os
import shutil
import sys
from pathlib import Path

import diffusers
import torch
from diffusers.utils import dynamic_modules_utils

from cpipe_check.smoke import warm  # noqa: F401
from cpipe_check.smoke.reference.build import build
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.families import FAMILIES
from cpipe_check.smoke.reference.find import find
from cpipe_check.smoke.reference.make import make


def stages(file: str, scratch: Path, reference: Path, repository: list[str]):
    load = diffusers.DiffusionPipeline.from_pretrained
    options = {"custom_pipeline": file, "trust_remote_code": True}
    saved = str(scratch / "saved")
    directory, name = os.path.split(file)
    if repository:
        yield "repository"
        for path in repository:
            if not (scratch / path).stat().st_size and (reference / path).is_file():
                shutil.copyfile(reference / path, scratch / path)
        # Users give no more than the repository's name, and their consent.
        load(directory, trust_remote_code=True)
    yield "load"
    found = dynamic_modules_utils.get_class_from_dynamic_module(directory, name, trust_remote_code=True)
    if found is not None:
        yield "init"
    pipe = load(str(reference), **options)
    yield "components"
    _ = pipe.components
    yield "save"
    pipe.save_pretrained(saved)
    yield "reload"
    load(saved, **options)


def answer(file: str, scratch: Path, reference: Path, repository: list[str]) -> list[str]:
    modules = str(scratch / "modules")
    for module in list(sys.modules.values()):
        if getattr(module, "HF_MODULES_CACHE", None):
            module.HF_MODULES_CACHE = modules
    dynamic_modules_utils.HF_MODULES_CACHE = modules
    stage = ""
    try:
        for name in stages(file, scratch, reference, repository):
            stage = name
    except BaseException as error:
        return [stage, f"{type(error).__name__}: {error}"]
    return ["", ""]


def main() -> None:
    torch.set_num_threads(1)
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    reference = Path(sys.argv[1]) / "tiny-ddpm"
    ddpm = next(family for family in FAMILIES if family.name == "ddpm")
    build({n: make(find(cls), Dimensions(ddpm.components)) for n, cls in ddpm.components.items()}, reference)
    # As in the sandbox's room: what is imported here no fork imports, or copies for the garbage collector.
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        file, scratch, repository = json.loads(line)
        child = os.fork()
        if child == 0:
            replies = os.dup(1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            text = json.dumps(answer(file, Path(scratch), reference, repository))
            os.write(replies, text.encode() + b"\n")
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            print(json.dumps(["load", "its process died"]), flush=True)


if __name__ == "__main__":
    main()
