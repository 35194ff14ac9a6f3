"""Loading the pipeline as a user does, and calling it. Runs in the file's own process."""

from __future__ import annotations

import inspect
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch

from cpipe_check.smoke import failures
from cpipe_check.smoke.example_values import methods_before
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.plan import NotRun, Plan, own_components, seed


def saved(job: Job) -> Path:
    """Return where the pipeline is saved."""
    return Path(job.scratch) / "out" / "saved"


def import_file(job: Job) -> Any:
    """Import the file by the loader's own way; return its module."""
    path = Path(job.custom_pipeline)
    directory, name = (path.parent, path.name) if path.suffix == ".py" else (path, "pipeline.py")
    class_of = diffusers.utils.dynamic_modules_utils.get_class_from_dynamic_module
    trusted = {"trust_remote_code": True} if "trust_remote_code" in inspect.signature(class_of).parameters else {}
    return sys.modules.get(getattr(class_of(str(directory), module_file=name, **trusted), "__module__", ""))


def load(source: Path, job: Job, plan: Plan, module: Any, dtype: torch.dtype) -> Any:
    """Load the pipeline from a directory, on the plan's device; `module` is the imported file."""
    drawn = random.getrandbits(31)
    own = own_components(plan, module, job.seed)
    # What the file draws while it is loaded differs from one process to the next, unless it is saved.
    seed(drawn)
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        str(source),
        custom_pipeline=job.custom_pipeline,
        trust_remote_code=True,
        **({} if dtype == torch.float32 else {"torch_dtype": dtype}),
        **plan.passed,
        **own,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(plan.setting.device)


def reload(job: Job, plan: Plan) -> Any:
    """Return what was saved, loaded by itself, or else with what the first load was passed."""
    if not plan.passed and not plan.own:
        return load(saved(job), job, plan, None, plan.dtype)
    try:
        return load(saved(job), job, replace(plan, passed={}, own=()), None, plan.dtype)
    except Exception:
        return load(saved(job), job, plan, import_file(job) if plan.own else None, plan.dtype)


def invoke(pipe: Any, job: Job, plan: Plan) -> Any:
    """Call the pipeline, seeded, and return what it returns.

    Raises:
        NotRun: when an argument cannot be made, or a method that comes first fails.
    """
    arguments = _after_others(pipe, job, plan).arguments()
    seed(job.seed)
    return getattr(pipe, job.method)(**arguments)


def _after_others(pipe: Any, job: Job, plan: Plan) -> Plan:
    """Call the methods that have to be called first, and those whose results the example passes on."""
    results = {}
    for name in dict.fromkeys((*plan.changes.before, *methods_before(plan.example, job.method))):
        seed(job.seed)
        try:
            results[name] = getattr(pipe, name)(**plan.arguments_of(getattr(type(pipe), name)))
        except Exception as error:
            raise NotRun(f"`{name}` has to be called first: {failures.one_line(error, job)}") from error
    return replace(plan, known=replace(plan.known, results=results))


def classes_of(module: Any) -> dict[str, type]:
    """Return the classes of the imported file by name."""
    return {name: value for name, value in vars(module).items() if isinstance(value, type)} if module else {}
