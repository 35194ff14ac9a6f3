"""An exception of a stage, as the author wants to read it: the error, and the frames in his own file."""

from __future__ import annotations

import errno
import linecache
import os
import re
import shlex
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cpipe_check.smoke.attempts import DOWNLOADS
from cpipe_check.smoke.job import Job

# Packages that PyPI has under another name than they are imported by.
_DISTRIBUTIONS = {
    "cv2": "opencv-python",
    "ligo": "ligo-segments",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
_MAX_FRAMES, _MAX_CAUSES = 5, 50
# What libraries say when a package is missing that only some of their classes need.
_NOT_INSTALLED = re.compile(r"`(\w+)` is not installed|requires the (\w+) library|pip install `?(\w+)")

# What torch and diffusers say when sizes do not fit: the reference has other channels than the pipeline expects.
_SIZES = re.compile(
    r"channels|shape|cannot be zero|empty|to unpack|size of tensor|sizes? of|dimension|configuration sett|"
    r"error reading",
    re.IGNORECASE,
)

_NO_CUDA = re.compile(
    r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver|CUDA driver version|re-initialize CUDA|no NVIDIA GPU"
)
# What `values.file` writes.
_OUR_FILE = re.compile(r"/work/(video|image)\.(gif|png|mp4)")
# What inputs are made of: an operation on one that it does not have speaks of another kind of input.
_INPUT_TYPES = re.compile(r"'?\b(Image|Tensor|ndarray|Generator|list|str|int|float|tuple|dict|bool)\b'?")
_INPUT_OBJECT = re.compile(r"'(Image|Tensor|(numpy\.)?ndarray|Generator|list|str|int|float|tuple|dict|bool)' object ")


def lacking(error: BaseException, stage: str, job: Job, hosts: Sequence[str] = ()) -> str:
    """Return what was lacking, when it may be that and not the file that made a stage fail; "" otherwise.

    A verdict of `failed` has to be the pipeline's fault. Our inputs are guesses and our reference is small, so that a
    call that refuses them proves nothing.
    """
    for seen in chain(error):
        if type(seen).__name__ in DOWNLOADS:
            return "it downloads from the Hub while it loads or runs, and the smoke-load has no network"
        root = (seen.name or "").partition(".")[0] if isinstance(seen, ModuleNotFoundError) else ""
        if (
            root.isidentifier()
            and root not in ("diffusers", "diffusers_modules")
            and _own_frames(seen, job)
            and find_spec(root) is None
        ):
            return _missing(root, job)
        if _NO_CUDA.search(str(seen)) and not job.device.startswith("cuda"):
            return "it asks for CUDA by itself, and there is none here"
        if isinstance(seen, ImportError) and (found := _NOT_INSTALLED.search(str(seen))):
            package = next(name for name in found.groups() if name).lower()
            if find_spec(package) is None:
                return _missing(package, job)
        blocked = _blocked(seen, job, hosts)
        if blocked:
            return f"blocked by the sandbox: {blocked}"
    if stage == "call" and may_be_the_input(error, job):
        return f"the call did not take the inputs made for it: {one_line(error, job)}"
    return ""


def declared_and_lacking(job: Job) -> str:
    """Return what is lacking of the packages that the file's recipe names, and then of all others; "" for nothing."""
    return _missing("", job) if any(map(_is_lacking, job.recipe.packages)) else ""


def absent(job: Job) -> str:
    """Return that packages are not installed which the file imports, "" when all are."""
    roots = [package.partition(".")[0] for package in job.packages]
    missing = [root for root in roots if root.isidentifier() and find_spec(root) is None]
    return _missing(missing[0], job) if missing else ""


def _missing(root: str, job: Job) -> str:
    """Name all the packages at once that the file needs and that are not installed, the one it met first.

    Its recipe has the last word on what a package is called and on its version.
    """
    roots = dict.fromkeys([root, *(package.partition(".")[0] for package in job.packages)])
    missing = [name for name in roots if name.isidentifier() and (name == root or find_spec(name) is None)]
    declared: dict[str, str] = {canonicalize_name(Requirement(text).name): text for text in job.recipe.packages}
    lines = dict.fromkeys(_requirement(name, declared) for name in missing)
    lines.update(dict.fromkeys(text for text in job.recipe.packages if _is_lacking(text)))
    what = "packages that are" if len(lines) > 1 else "a package that is"
    return f"it needs {what} not installed here: pip install {' '.join(map(shlex.quote, lines))}"


def _requirement(root: str, declared: Mapping[str, str]) -> str:
    """Return how pip calls the package that is imported as `root`; variants of it have its name and a suffix."""
    distribution = _DISTRIBUTIONS.get(root, root)
    name = canonicalize_name(distribution)
    variants = (text for other, text in declared.items() if root in _DISTRIBUTIONS and other.startswith(f"{name}-"))
    return declared.get(name) or next(variants, distribution)


def _is_lacking(text: str) -> bool:
    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return False
    try:
        return not requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return True


def watch_network() -> list[str]:
    """Return a list that fills with the hosts that this process asks for, from now on."""
    hosts: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.connect"):
            address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
            host = str(address[0] if isinstance(address, tuple) and address else address)[:100]
            if host not in hosts and len(hosts) < _MAX_FRAMES:
                hosts.append(host)

    sys.addaudithook(hook)
    return hosts


def _blocked(error: BaseException, job: Job, hosts: Sequence[str]) -> str:
    """Return what the sandbox keeps from a file, when an error comes of that; "" otherwise."""
    if not isinstance(error, OSError):
        return ""
    refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
    path = error.filename if isinstance(error.filename, str) else ""
    if refused and os.path.isabs(path) and not path.startswith(job.scratch + os.sep):
        return f"it uses `{path}`, and the smoke-load sees no file outside its own directory"
    raised_in = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    if hosts or (
        refused and not path and any(name.endswith(("socket.py", "asyncio/base_events.py")) for name in raised_in)
    ):
        named = f" ({', '.join(hosts)})" if hosts else ""
        return f"it uses the network{named}, and the smoke-load has none"
    return ""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of."""
    for _ in range(_MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def is_within(error: BaseException, given: Collection[str]) -> bool:
    """Return whether an error is about a kind of object that no input was: what the pipeline made by itself.

    `given` are the names of the types of all inputs, and of what is in them.
    """
    found = _INPUT_OBJECT.match(str(error)) if isinstance(error, AttributeError) else None
    return found is not None and found[1].rpartition(".")[2] not in given


def types_in(value: Any) -> set[str]:
    """Return the names of the types of a value and of all that it holds."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return {type(value).__name__}.union(*map(types_in, parts))


def may_be_the_input(error: BaseException, job: Job) -> bool:
    """Return whether a call may have failed for the inputs that we made, or for the sizes of our reference.

    True for what an input check raises, for an optional input that was left out or is of another type than the code
    takes, and for sizes that do not fit.
    """
    text = str(error)
    frames = traceback.extract_tb(error.__traceback__)
    if (
        "NoneType" in text
        or _OUR_FILE.search(text)
        or isinstance(error, (IndexError, KeyError, ZeroDivisionError, UnboundLocalError, FileNotFoundError))
    ):
        return True
    if isinstance(error, (RuntimeError, ValueError)) and _SIZES.search(text):
        return True
    if isinstance(error, (ValueError, TypeError, NotImplementedError)) or type(error) is Exception:
        last = frames[-1] if frames else None
        raised = last is not None and ("check_inputs" in last.name or (last.line or "").lstrip().startswith("raise "))
        return raised or bool(_INPUT_TYPES.search(text))
    if isinstance(error, AssertionError):
        # A short way to check an input, as long as it speaks of a parameter of the call.
        line = (frames[-1].line or "") if frames else ""
        return any(re.search(rf"\b{re.escape(a.name)}\b", line) for a in job.call.arguments or ())
    if isinstance(error, AttributeError) and (_INPUT_OBJECT.match(text) or _guessed_scheduler(text, job)):
        return True
    # An attribute that another method of the pipeline sets: that one has to be called first.
    name = getattr(error, "name", None) or (re.findall(r"has no attribute '(\w+)'", text) or [""])[-1]
    return isinstance(error, AttributeError) and bool(name) and f"self.{name} = " in _source(frames, job)


def _guessed_scheduler(text: str, job: Job) -> bool:
    """Whether an attribute is missing from a scheduler of a class that we chose, not the file."""
    found = re.match(r"'(\w+Scheduler)' object has no attribute", text)
    hinted = [path.rpartition(".")[2] for argument in job.init.arguments or () for path in argument.classes]
    return found is not None and found[1] not in hinted


def _source(frames: traceback.StackSummary, job: Job) -> str:
    own = next((frame.filename for frame in frames if is_own(frame.filename, job)), "")
    return "".join(linecache.getlines(own)) if own else ""


def _own_frames(error: BaseException, job: Job) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename, job)]


def describe(error: BaseException, job: Job) -> dict[str, Any]:
    """Return the error on one line, and the frames of the submitted file, innermost first, at most five."""
    frames = []
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_own(frame.filename, job):
            code = frame.line or linecache.getline(frame.filename, frame.lineno or 1)
            frames.append({"line": frame.lineno or 1, "function": frame.name, "code": code.strip()[:200]})
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename, job):
        frames.append({"line": error.lineno or 1, "function": "<module>", "code": (error.text or "").strip()[:200]})
    return {"reason": one_line(error, job), "frames": frames[:_MAX_FRAMES]}


def is_own(filename: str, job: Job) -> bool:
    """Return whether a file is the submitted one: the loader runs a copy, under its cache in the scratch directory."""
    return filename.startswith(job.scratch) and os.path.basename(filename) == job.file_name


def one_line(error: BaseException, job: Job) -> str:
    """Return the error's type and message on one line, without the scratch directory's path."""
    text = " ".join(str(error).split())[:600].replace(job.scratch, "…")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
