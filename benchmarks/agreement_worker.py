"""The real loader of one environment, kept warm: imports diffusers once and forks for every file. Runs those files.

Run by loader_agreement.py with the environment's own Python, of which it needs diffusers and what diffusers needs.
First prints `[DIFFUSERS, TRANSFORMERS]`, the versions. Then reads a JSON array `[FILE, SCRATCH, SECONDS]` a line and
answers with the error as one JSON string a line: "" when the loader found a pipeline class, "NoClass" when it found
none, "TimeLimit" and "Died" when its process did not answer.
"""

import abc
import contextlib
import importlib.abc
import importlib.machinery
import inspect
import json
import os
import select
import signal
import sys
import types

# What judges or is judged: these are real or missing, never stubbed.
REAL = {
    "torch",
    "numpy",
    "PIL",
    "diffusers",
    "transformers",
    "accelerate",
    "huggingface_hub",
    "safetensors",
    "packaging",
}
# `diffuser` is how authors misspell diffusers. The loader looks for it and fails.
MISSPELT = {"diffuser"}


class StubMeta(abc.ABCMeta):
    def __getattr__(cls, name):
        return stub_class(name)

    def __iter__(cls):
        return iter(())

    def __getitem__(cls, _):
        return cls

    def __or__(cls, _):
        return cls

    __ror__ = __or__


class Stub:
    """What every name of a stubbed package is: a base class, a decorator, an annotation, or called with anything."""

    def __new__(cls, *arguments, **options):
        return arguments[0] if decorates(arguments, options) else object.__new__(cls)

    def __init__(self, *arguments, **options):
        pass

    def __call__(self, *arguments, **options):
        return arguments[0] if decorates(arguments, options) else self

    def __getattr__(self, name):
        return stub_class(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def decorates(arguments, options):
    return len(arguments) == 1 and not options and isinstance(arguments[0], (types.FunctionType, type))


def stub_class(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return StubMeta(name, (Stub,), {"__module__": "stub"})


class StubModule(types.ModuleType):
    def __getattr__(self, name):
        return "999.0.0" if name == "__version__" else stub_class(name)


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Says that third packages are installed, to the file and to what diffusers and transformers import for it.

    It stands last, so it is asked only for what is missing. Libraries that look whether a package is there, and all
    others that import, see the environment as it is.
    """

    def find_spec(self, fullname, _path=None, _target=None):
        root = fullname.partition(".")[0]
        if root in REAL | MISSPELT or root in sys.stdlib_module_names or not (fullname == root or self.is_stub(root)):
            return None
        asking, looks = self.caller()
        if asking == "diffusers_modules" or (asking in ("diffusers", "transformers") and not looks):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    @staticmethod
    def is_stub(root):
        return isinstance(sys.modules.get(root), StubModule)

    @staticmethod
    def caller():
        """Return the root package that asks, and whether it only looks (`importlib.util.find_spec`)."""
        frame, looks = sys._getframe(2), False
        while frame is not None:
            name = frame.f_globals.get("__name__", "")
            if name.partition(".")[0] not in ("importlib", "_frozen_importlib", "_frozen_importlib_external"):
                return name.partition(".")[0], looks
            looks = looks or name == "importlib.util"
            frame = frame.f_back
        return "", looks

    def create_module(self, spec):
        return StubModule(spec.name)

    def exec_module(self, module):
        pass


def load(file, scratch):
    """Return "" or the error of the real loader, its cache being in `scratch`."""
    from diffusers.utils import dynamic_modules_utils

    cache = os.path.join(scratch, "modules")
    for module in list(sys.modules.values()):
        if "HF_MODULES_CACHE" in getattr(module, "__dict__", {}):
            module.HF_MODULES_CACHE = cache
    get = dynamic_modules_utils.get_class_from_dynamic_module
    options = {"trust_remote_code": True} if "trust_remote_code" in inspect.signature(get).parameters else {}
    try:
        found = get(*os.path.split(file), **options)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "NoClass" if found is None else ""


def answer(file, scratch, seconds):
    """Return what `load` returns in a child process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(scratch)
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        with contextlib.suppress(BaseException):
            os.write(writing, b"=" + load(file, scratch)[:4000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(writing)
    ready = select.select([reading], [], [], seconds)[0]
    text = os.read(reading, 65536).decode() if ready else "=TimeLimit"
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return text[1:] if text else "Died"


def main():
    os.environ["HF_HUB_OFFLINE"] = "1"
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import diffusers
    import torch
    import transformers
    from diffusers import DiffusionPipeline  # noqa: F401  (to have it imported before the fork)

    torch.set_num_threads(1)
    diffusers.utils.logging.set_verbosity_error()
    sys.meta_path.append(StubFinder())
    print(json.dumps([diffusers.__version__, transformers.__version__]), file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
