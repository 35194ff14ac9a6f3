"""What the builder reads from a source text: which names a module has at run time."""

from __future__ import annotations

import pytest

from cpipe_check.api_index import SOURCE

GUARD = "from .utils import is_torch_available, is_onnx_available, OptionalDependencyNotAvailable\n"
UTILS = """
class OptionalDependencyNotAvailable(BaseException): ...
def is_torch_available(): ...
def is_onnx_available(): ...
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", True),
        ("x: int = 1", True),
        ("x: int", False),
        ("def x(): ...", True),
        ("async def x(): ...", True),
        ("class x: ...", True),
        ("import x", True),
        ("import x.y", True),
        ("import y.x", False),
        ("import y as x", True),
        ("from y import z as x", True),
        ("(a, [x, *b]) = 1, [2]", True),
        ("x = 1\ndel x", False),
        ("with open('f') as x: pass", True),
        ("with open('f'):\n    x = 1", True),
        ("import contextlib\nwith contextlib.suppress(ImportError):\n    import x", None),
        ("for x in y: pass", None),
        ("while y():\n    x = 1", None),
        ("print(x := 1)", None),
        ("[x for x in y]", False),
        ("def f():\n    global x\n    x = 1", None),
        ("def f():\n    x = 1", False),
        ("match y:\n    case [x]: pass", None),
        ("try:\n    import x\nexcept ImportError:\n    x = None", True),
        ("try:\n    import x\nexcept ImportError:\n    pass", None),
        ("try:\n    import x\nexcept ImportError:\n    raise", True),
        ("try:\n    import y\nfinally:\n    x = 1", True),
        ("try:\n    import y\nexcept ImportError as x:\n    pass", False),
        ("if y:\n    x = 1", None),
        ("if y:\n    x = 1\nelse:\n    x = 2", True),
        ("if y:\n    x = 1\nelse:\n    raise ImportError", True),
        ("if is_torch_available():\n    x = 1", True),
        ("if not is_torch_available():\n    x = 1", False),
        ("if is_torch_available() and is_onnx_available():\n    x = 1", None),
        ("if is_torch_available() or is_onnx_available():\n    x = 1", True),
        ("if TYPE_CHECKING:\n    import x", False),
        ("if __name__ == '__main__':\n    x = 1", False),
        ("import sys\nif sys.version_info >= (3, 8):\n    x = 1", True),
        ("import sys\nif sys.version_info < (3, 8):\n    x = 1", False),
        ("import sys\nif sys.version_info >= (3, 12):\n    x = 1", None),
        ("from .other import *\nx = A", True),
        ("from elsewhere import *", None),
        ("def __getattr__(name): ...", None),
        ("__getattr__ = shim(__name__)", None),
        ("globals()['y'] = 1", None),
        ("globals().update(y)", None),
        ("exec('y = 1')", None),
        ("\ufeffx = 1", True),
        ("this is no python", None),
    ],
)
def test_binding(exists_in, text, expected):
    assert exists_in(text)("x") is expected


def test_star_import_honours_underscore_and_all(index_of):
    index = index_of(
        {
            "plain.py": "from .source import *",
            "listed.py": "from .named import *",
            "source.py": "A = 1\n_b = 2",
            "named.py": "__all__ = ['_b']\nA = 1\n_b = 2",
        }
    )
    found = {(m, n): index.exists(f"diffusers.{m}", n, SOURCE) for m in ("plain", "listed") for n in ("A", "_b")}
    assert found == {("plain", "A"): True, ("plain", "_b"): False, ("listed", "A"): False, ("listed", "_b"): True}


def test_circular_star_imports_cannot_tell(index_of):
    index = index_of({"a.py": "from .b import *\nx = 1", "b.py": "from .a import *\ny = 1"})
    assert index.exists("diffusers.a", "x", SOURCE) is True
    assert index.exists("diffusers.a", "nothing", SOURCE) is None


EAGER = (
    GUARD
    + """
try:
    if not is_torch_available():
        raise OptionalDependencyNotAvailable()
except OptionalDependencyNotAvailable:
    from .utils.dummy_pt_objects import *
else:
    from .real import Real
try:
    if not (is_torch_available() and is_onnx_available()):
        raise OptionalDependencyNotAvailable()
except OptionalDependencyNotAvailable:
    from .utils.dummy_onnx_objects import *
else:
    from .real import Both
    from .real import OnlyReal
"""
)
DUMMY = "class {}(metaclass=DummyObject):\n    _backends = ['torch', 'onnx']\n"


def test_eager_package_with_placeholders(index_of):
    index = index_of(
        {
            "__init__.py": EAGER,
            "real.py": "class Real: ...\nclass Both: ...\nclass OnlyReal: ...",
            "utils/__init__.py": UTILS,
            "utils/dummy_pt_objects.py": "class Real: ...\nclass OnlyDummy: ...",
            "utils/dummy_onnx_objects.py": DUMMY.format("Both"),
        }
    )
    found = {name: index.exists("diffusers", name, SOURCE) for name in ("Real", "Both", "OnlyReal", "OnlyDummy")}
    assert found == {"Real": True, "Both": True, "OnlyReal": None, "OnlyDummy": False}
    assert index.origin("diffusers", "Both", SOURCE) == ("diffusers.real", "Both")
    assert index.dummy_backends("diffusers", "Both", SOURCE) == ("onnx", "torch")
    assert index.dummy_backends("diffusers", "Real", SOURCE) == ()


LAZY = (
    GUARD
    + """
from .utils import SLOW, helper
_import_structure = {"core": ["Core", "Gone"], "utils": []}
_dummy_objects = {}
try:
    if not is_onnx_available():
        raise OptionalDependencyNotAvailable()
except OptionalDependencyNotAvailable:
    from .utils import dummy_onnx_objects
    _dummy_objects.update(get_objects_from_module(dummy_onnx_objects))
else:
    _import_structure["onnx_part"] = ["Both"]
    _import_structure["onnx_part"].extend(["OnlyOnnx"])
    _import_structure["onnx_part"].append("AlsoOnnx")
if TYPE_CHECKING or DIFFUSERS_SLOW_IMPORT:
    from .core import Core
else:
    import sys
    sys.modules[__name__] = _LazyModule(__name__, globals()["__file__"], _import_structure, module_spec=__spec__,
                                        extra_objects={"__version__": "1.0"})
    for name, value in _dummy_objects.items():
        setattr(sys.modules[__name__], name, value)
"""
)


def test_lazy_package(index_of):
    index = index_of(
        {
            "__init__.py": LAZY,
            "core.py": "class Core: ...",
            "onnx_part.py": "class Both: ...\nclass OnlyOnnx: ...\nclass AlsoOnnx: ...",
            "utils/__init__.py": UTILS + "SLOW = helper = None",
            "utils/dummy_onnx_objects.py": DUMMY.format("Both"),
        }
    )
    names = ("Core", "Gone", "Both", "OnlyOnnx", "AlsoOnnx", "helper", "SLOW", "name", "core", "__version__")
    assert {name: index.exists("diffusers", name, SOURCE) for name in names} == {
        "Core": True,
        "Gone": False,
        "Both": True,
        "OnlyOnnx": None,
        "AlsoOnnx": None,
        "helper": False,
        "SLOW": False,
        "name": False,
        "core": True,
        "__version__": True,
    }


def test_folder_without_init_is_a_package(index_of):
    index = index_of({"bare/inner.py": "x = 1", "kernels/bare_fast.cu": "", "bare/__pycache__/inner.pyc": ""})
    assert index.exists("diffusers.kernels", None, SOURCE) is True
    assert index.exists("diffusers.bare.__pycache__", None, SOURCE) is False
    assert index.exists("diffusers.bare", None, SOURCE) is True
    assert index.exists("diffusers.bare.inner", "x", SOURCE) is True
    assert index.exists("diffusers.bare", "inner", SOURCE) is True
    assert index.exists("diffusers.bare", "outer", SOURCE) is False


def test_package_that_does_not_parse_cannot_tell(index_of):
    index = index_of({"p/__init__.py": "this is no python", "p/m.py": "x = 1"})
    assert index.exists("diffusers.p", "x", SOURCE) is None
    assert index.exists("diffusers.p.m", "x", SOURCE) is True


def test_module_with_broken_own_imports_cannot_tell(index_of):
    index = index_of({"m.py": "from .other import gone\nx = 1", "other.py": ""})
    assert index.exists("diffusers.m", None, SOURCE) is None
    assert index.exists("diffusers.m", "x", SOURCE) is None


def test_module_attributes(exists_in):
    exists = exists_in("x = 1")
    assert exists("__name__") is True
    assert exists("__file__") is True
    assert exists("__anything__") is None


PIPELINES = {
    "config.py": """
class ConfigMixin:
    @property
    def config(self): ...
    @property
    def free(self): ...
""",
    "pipelines/base.py": """
from ..config import ConfigMixin
class DiffusionPipeline(ConfigMixin):
    _optional_components = []
    free = None
    @property
    def device(self): ...
    @property
    def both(self): ...
    @both.setter
    def both(self, value): ...
""",
    "pipelines/one.py": """
import torch.nn as nn
from . import base
class One(base.DiffusionPipeline, nn.Module):
    _optional_components = ["b"]
    @register
    def __init__(self, a, b=None, *rest, c, d=1, **more): ...
class Two(One): ...
class Three(make_base()): ...
class Four: ...
""",
    "__init__.py": "from .pipelines.one import One, Two, Three, Four\nfrom .pipelines.base import DiffusionPipeline",
}


def test_class_info_through_re_exports(index_of):
    index = index_of(PIPELINES)
    info = index.class_info("diffusers", "One", SOURCE)
    assert info is not None
    assert info.qualified == "diffusers.pipelines.one.One"
    assert info.bases == ("diffusers.pipelines.base.DiffusionPipeline", "torch.nn.Module")
    assert info.optional_components == ("b",)
    assert [(p.name, p.kind, p.has_default) for p in info.init.parameters] == [
        ("a", "positional", False),
        ("b", "positional", True),
        ("rest", "args", True),
        ("c", "keyword", False),
        ("d", "keyword", True),
        ("more", "kwargs", True),
    ]
    assert info.init.required == ("a", "c")
    assert index.class_info("diffusers", "Two", SOURCE).init is None
    assert index.class_info("diffusers", "nothing", SOURCE) is None


def test_inheritance(index_of):
    index = index_of(PIPELINES)
    names = ("DiffusionPipeline", "One", "Two", "Three", "Four")
    found = {name: index.is_subclass_of_pipeline("diffusers", name, SOURCE) for name in names}
    assert found == {"DiffusionPipeline": True, "One": True, "Two": True, "Three": None, "Four": False}
    defining, signature = index.init_signature("diffusers", "Two", SOURCE)
    assert (defining.name, signature.has_args, signature.has_kwargs) == ("One", True, True)
    assert index.readonly_properties("diffusers", "Two", SOURCE) == {"config", "device"}
    assert index.optional_components("diffusers", "Two", SOURCE) == ("b",)
    assert index.optional_components("diffusers", "Four", SOURCE) is None


def test_shim_that_inherits_from_its_own_name(index_of):
    index = index_of({**PIPELINES, "old.py": "from .pipelines.one import One\nclass One(One): ..."})
    assert index.class_info("diffusers.old", "One", SOURCE).bases == ("diffusers.pipelines.one.One",)
    assert index.is_subclass_of_pipeline("diffusers.old", "One", SOURCE) is True


def test_method_lifts_an_inherited_property(index_of):
    index = index_of({"m.py": "class A:\n    @property\n    def p(self): ...\nclass B(A):\n    def p(self): ..."})
    assert index.readonly_properties("diffusers.m", "A", SOURCE) == {"p"}
    assert index.readonly_properties("diffusers.m", "B", SOURCE) == frozenset()


def test_deprecations(index_of):
    index = index_of(
        {
            "old.py": "deprecate('diffusers.old', '0.9.0', 'moved')\nx = 1",
            "part.py": """
def f():
    deprecate("Importing `f` from here", "0.34", "moved")
def g(argument):
    deprecate("argument", "0.35", "gone")
class C:
    def __init__(self):
        deprecate("C", "1.0.0", "gone")
""",
            "again.py": "from .part import f",
        }
    )
    asked = [("old", None), ("old", "x"), ("part", "f"), ("part", "g"), ("part", "C"), ("again", "f"), ("part", None)]
    found = [index.deprecation(f"diffusers.{module}", name, SOURCE) for module, name in asked]
    assert found == ["0.9.0", "0.9.0", "0.34", None, "1.0.0", "0.34", None]
