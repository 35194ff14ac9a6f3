"""The stages of a smoke-load, in order. Runs in the file's own process; nothing of the file runs before "import"."""

from __future__ import annotations

import inspect
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from cpipe_check.smoke import failures, outputs, pictures
from cpipe_check.smoke.attempts import DOWNLOADS, MAX_ATTEMPTS, Failure, changes_from, following
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.example_values import Known, methods_before
from cpipe_check.smoke.extras import run_extras
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.notices import Notices
from cpipe_check.smoke.plan import NotRun, Plan, build_reference, make_plan, own_components, seed
from cpipe_check.smoke.recipe_values import check_expected
from cpipe_check.smoke.reference import build
from cpipe_check.smoke.reference.choose import Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.families import DENOISERS

# No further attempt begins later than this.
_ATTEMPTS_SECONDS = 60.0
# What has taken so long is not called once more for what no verdict rests on.
_LONG_SECONDS = 30.0


class NotTheInput(Exception):
    """The cause is an error that no input is to blame for.

    It comes after the denoiser, which has taken the inputs, and speaks of a kind of object that was not given; or it
    stays the same whatever form a picture is given in.
    """


class Mismatch(Exception):
    """The reloaded pipeline gives another output than the first one did."""


def prepare(job: Job, channel: Channel) -> Plan:
    """Make what the smoke-load goes by.

    Raises:
        NotRun: when it cannot be had.
    """
    _quiet()
    _own_thread_pool()
    _import_once()
    with channel.stage("reference"):
        plan = make_plan(job, changes_from(job.changes), partial(_reference, job, channel))
        device = plan.setting.device
        shown = device if plan.dtype == torch.float32 else f"{device} {str(plan.dtype).removeprefix('torch.')}"
        channel.send(event="setting", reference=plan.title, device=shown, choices=list(plan.reasons))
        return plan


def prepare_again(job: Job, _channel: Channel) -> Plan:
    """Make what goes with a pipeline that has been saved: all but the reference.

    Raises:
        NotRun: when it cannot be had.
    """
    _quiet()
    _own_thread_pool()
    _import_once()
    return make_plan(job, changes_from(job.changes), lambda *_: _saved(job))


def _reference(job: Job, channel: Channel, chosen: Chosen, dimensions: Dimensions) -> Path:
    """Return the reference that the room keeps, or make it for this file and those after it."""
    key = build.key(chosen, dimensions, job.seed)
    if kept := channel.ask(event="reference", key=key):
        return Path(kept)
    made = _made(job, "reference", chosen, dimensions)
    return Path(channel.ask(event="built", key=key, name=made.name) or made)


def _made(job: Job, name: str, chosen: Chosen, dimensions: Dimensions) -> Path:
    directory = Path(job.scratch) / "work" / name
    build_reference(chosen, dimensions, job.seed, directory)
    return directory


def run(job: Job, plan: Plan, channel: Channel) -> None:
    """Run the stages up to saving; what ends them early is the error of the stage that failed."""
    # What a pipeline draws while it is made differs from one process to the next, unless it is saved.
    seed(job.seed + 1)
    notices, start = Notices(job, channel), time.monotonic()
    notices.listen()
    with channel.stage("import"):
        module = _import(job)
    plan = replace(plan, known=Known(_classes(module)))
    pipe, plan, first = _attempts(job, plan, module, channel)
    with channel.stage("output"):
        outputs.check(first)
        check_expected(job.recipe.expect, first)
        outputs.write(first, Path(job.scratch) / "out" / "first")
        pictures.write(first, Path(job.scratch) / "out" / "first" / "pictures")
        channel.send(event="output", text=outputs.describe(first))
    with channel.stage("save"):
        pipe.save_pretrained(str(_saved(job)))
    load_as = partial(_load, plan.reference, job, plan, module)
    if job.thorough or time.monotonic() - start < _LONG_SECONDS:
        run_extras(pipe, job, plan, load_as, channel, notices)


def run_again(job: Job, plan: Plan, channel: Channel) -> None:
    """Load what was saved and call it; what ends the stages early is the error of the one that failed."""
    seed(job.seed + 2)
    with channel.stage("reload"):
        pipe = _reload(job, plan)
    channel.ask_challenge()
    with channel.stage("repeat"):
        plan = replace(plan, known=Known(_classes(sys.modules.get(type(pipe).__module__))))
        outcome = _invoke(pipe, job, plan)
        written = outputs.write(outcome, Path(job.scratch) / "out" / "again")
        same = outputs.same(outputs.read(Path(job.scratch) / "out" / "first"), written)
        # A pipeline that never gives the same output twice is not at fault for differing after a reload.
        repeatable = same or outputs.same(list(outputs.arrays(_invoke(pipe, job, plan))), list(outputs.arrays(outcome)))
        if repeatable and not same:
            raise Mismatch("after save and reload the same seed gives another output: something was not saved")
        channel.send(event="repeat", same=same)


def _attempts(job: Job, plan: Plan, module: Any, channel: Channel) -> tuple[Any, Plan, Any]:
    """Load and call, again with what the error of a call suggests, until one is taken; then return what came of it."""
    start, asked = time.monotonic(), False
    before: tuple[Plan, Exception] | None = None
    for number in range(1, MAX_ATTEMPTS + 1):
        denoised: list[str] = []
        try:
            with channel.stage("load"):
                pipe = _load(plan.reference, job, plan, module, plan.dtype)
            if not asked:
                channel.ask_challenge()
                asked = True
            with channel.stage("components"):
                _ = pipe.components
            with channel.stage("call"), _watched(pipe, denoised):
                return pipe, plan, _invoke(pipe, job, plan)
        except NotRun:
            raise
        except Exception as error:
            if denoised and failures.is_within(error, failures.types_in(plan.given())):
                raise NotTheInput from error
            late = number == MAX_ATTEMPTS or time.monotonic() - start > _ATTEMPTS_SECONDS
            setters = _setters(module, job) if channel.current == "call" else {}
            following_plan = None if late else _next(job, plan, error, channel, number, setters)
            if following_plan is None:
                raise
            # The natural form of a picture came before the one that was tried instead.
            another_form = before is not None and plan.changes.forms and not before[0].changes.forms
            if before is not None and another_form and _unmoved(error, before[1]):
                raise NotTheInput from error
            before = plan, error
            plan = following_plan
    raise AssertionError("the last attempt raises")


@contextmanager
def _watched(pipe: Any, denoised: list[str]) -> Iterator[None]:
    """Note in `denoised` each time that a denoiser of the pipeline has done its work."""
    parts = {name: getattr(pipe, name, None) for name in DENOISERS}
    handles = [
        part.register_forward_hook(lambda *_, name=name: denoised.append(name))
        for name, part in parts.items()
        if isinstance(part, torch.nn.Module)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _next(
    job: Job, plan: Plan, error: Exception, channel: Channel, number: int, setters: Mapping[str, str]
) -> Plan | None:
    """Return the plan of the next attempt, None when the error is no matter of the inputs or nothing is left to try."""
    failure = _failure(error)
    ours = channel.current == "call" and failures.may_be_the_input(error, job)
    if not ours and failure.kind not in DOWNLOADS:
        return None
    for index, (changes, words) in enumerate(following(failure, plan.changes, plan.situation(setters))):
        same = (changes.asked, changes.also) == (plan.changes.asked, plan.changes.also)
        make = (lambda *_: plan.reference) if same else partial(_made, job, f"reference-{number}-{index}")
        try:
            found = replace(make_plan(job, changes, make), known=plan.known)
            found.arguments()
        except NotRun:
            continue
        channel.send(event="again", tried=words, why=failures.one_line(error, job)[:200], changes=changes.to_object())
        return found
    return None


def _classes(module: Any) -> dict[str, type]:
    """Return the classes of the imported file by name."""
    return {name: value for name, value in vars(module).items() if isinstance(value, type)} if module else {}


def _unmoved(error: Exception, before: Exception) -> bool:
    """Whether an error about the type of a picture has not changed with the picture's form."""
    one, other = _failure(error), _failure(before)
    about_types = one.kind != "ValueError" and re.search(r"Tensor|ndarray|Image", one.text)
    return bool(about_types) and (one.kind, one.text, one.last) == (other.kind, other.text, other.last)


def _setters(module: Any, job: Job) -> dict[str, str]:
    """Return which public method of the file's pipeline class sets an attribute, but for `__init__` and the call."""
    found: dict[str, str] = {}
    for cls in _classes(module).values():
        if cls.__module__ == module.__name__ and job.method in vars(cls):
            for name, function in vars(cls).items():
                if inspect.isfunction(function) and not name.startswith("_") and name != job.method:
                    found |= dict.fromkeys(re.findall(r"self\.(\w+) = ", _source(function)), name)
    return found


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[-30:]
    kinds = [type(seen).__name__ for seen in failures.chain(error)]
    kind = next((kind for kind in kinds if kind in DOWNLOADS), kinds[0])
    return Failure(kind, str(error)[:2000], tuple((f.filename, f.name, f.line or "") for f in frames))


def _saved(job: Job) -> Path:
    return Path(job.scratch) / "out" / "saved"


def _import(job: Job) -> Any:
    """Import the file by the loader's own way; return its module."""
    path = Path(job.custom_pipeline)
    directory, name = (path.parent, path.name) if path.suffix == ".py" else (path, "pipeline.py")
    load = diffusers.utils.dynamic_modules_utils.get_class_from_dynamic_module
    trusted = {"trust_remote_code": True} if "trust_remote_code" in inspect.signature(load).parameters else {}
    return sys.modules.get(getattr(load(str(directory), module_file=name, **trusted), "__module__", ""))


def _load(source: Path, job: Job, plan: Plan, module: Any, dtype: torch.dtype) -> Any:
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        str(source),
        custom_pipeline=job.custom_pipeline,
        trust_remote_code=True,
        **({} if dtype == torch.float32 else {"torch_dtype": dtype}),
        **plan.passed,
        **own_components(plan, module, job.seed),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(plan.setting.device)


def _reload(job: Job, plan: Plan) -> Any:
    """Load what was saved: by itself, or else with what the first load was passed."""
    if not plan.passed and not plan.own:
        return _load(_saved(job), job, plan, None, plan.dtype)
    try:
        return _load(_saved(job), job, replace(plan, passed={}, own=()), None, plan.dtype)
    except Exception:
        return _load(_saved(job), job, plan, _import(job) if plan.own else None, plan.dtype)


def _invoke(pipe: Any, job: Job, plan: Plan) -> Any:
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


def _own_thread_pool() -> None:
    """Have torch make the thread pool of this fork now: of several threads that ask for it first, one may get none."""
    torch.set_num_threads(torch.get_num_threads())


def _import_once() -> None:
    """Have the loader run a file once in this process, as for a user who loads it once.

    It would run it anew each time, in the same module: classes made before would be others than those after.
    """
    loader = diffusers.utils.dynamic_modules_utils
    loader.get_class_in_module = cache(loader.get_class_in_module)


def _quiet() -> None:
    """Keep progress bars and advice of the libraries out of the output."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
