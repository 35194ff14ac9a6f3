"""Odd pipeline files, as bodies below the usual imports, and what the real loader makes of them.

`PIPE` is a pipeline class that loads. The second item is what the static check has to say: True (it loads), False
(it does not) or None (it must not claim to know). tests/test_loader_agreement.py asks the real loader about each.
"""

PIPE = """
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
"""
SECOND = "\nclass Second(DiffusionPipeline):\n    pass\n"

CASES: dict[str, tuple[str, bool | None]] = {
    "plain": (PIPE, True),
    "alias": (PIPE + "\nAlias = MyPipeline\n", False),
    "alias_chain": (PIPE + "\nA = B = MyPipeline\n", False),
    "alias_deleted": (PIPE + "\nAlias = MyPipeline\ndel Alias\n", True),
    "alias_of_library_class": (PIPE + "\nBase = DiffusionPipeline\n", True),
    "alias_replaces": (PIPE + "\nAlias = MyPipeline\ndel MyPipeline\n", True),
    "alias_in_tuple": (PIPE + "\nA, B = MyPipeline, 1\n", False),
    "alias_in_list_is_no_class": (PIPE + "\nALL = [MyPipeline]\n", True),
    "alias_in_dict_is_no_class": (PIPE + "\nALL = {'p': MyPipeline}\n", True),
    "alias_annotated": (PIPE + "\nAlias: type = MyPipeline\n", False),
    "alias_overwritten": (PIPE + "\nAlias = MyPipeline\nAlias = None\n", True),
    "alias_conditional_expression": (PIPE + "\nAlias = MyPipeline if torch else None\n", None),
    "alias_or": (PIPE + "\nAlias = None or MyPipeline\n", None),
    "alias_by_for": (PIPE + "\nfor Alias in (MyPipeline,):\n    pass\n", None),
    "alias_by_for_deleted": (PIPE + "\nfor _x in (1, 2):\n    pass\ndel _x\n", True),
    "alias_by_with": (PIPE + "\nimport contextlib\nwith contextlib.nullcontext(MyPipeline) as Alias:\n    pass\n", None),
    "alias_by_walrus": (PIPE + "\n(Alias := MyPipeline)\n", False),
    "alias_by_globals": (PIPE + "\nglobals()['Alias'] = MyPipeline\n", None),
    "alias_by_vars": (PIPE + "\nvars()['Alias'] = MyPipeline\n", None),
    "alias_by_setattr": (PIPE + "\nimport sys\nsetattr(sys.modules[__name__], 'Alias', MyPipeline)\n", None),
    "alias_by_exec": (PIPE + "\nexec('Alias = MyPipeline')\n", None),
    "alias_by_global_statement": (
        PIPE + "\ndef bind():\n    global Alias\n    Alias = MyPipeline\n\nbind()\n",
        None,
    ),
    "second": (PIPE + SECOND, False),
    "second_deleted": (PIPE + SECOND + "\ndel Second\n", True),
    "second_redefined_as_function": (PIPE + SECOND + "\ndef Second():\n    pass\n", True),
    "second_redefined_as_value": (PIPE + SECOND + "\nSecond = 1\n", True),
    "second_under_same_name": (SECOND.replace("Second", "MyPipeline") + PIPE, True),
    "second_indirect": (PIPE + "\nclass Second(MyPipeline):\n    pass\n", False),
    "second_in_function": (PIPE + "\ndef make():\n    class Second(MyPipeline):\n        pass\n", True),
    "second_in_class": (PIPE + "\nclass Holder:\n    class Second(MyPipeline):\n        pass\n", True),
    "second_in_main": (PIPE + "\nif __name__ == '__main__':\n    class Second(MyPipeline):\n        pass\n", True),
    "second_if_true": (PIPE + "\nif True:\n    class Second(MyPipeline):\n        pass\n", False),
    "second_if_false": (PIPE + "\nif False:\n    class Second(MyPipeline):\n        pass\n", True),
    "second_if_unknown": (PIPE + "\nif torch.__version__ > '0':\n    class Second(MyPipeline):\n        pass\n", None),
    "second_in_both_branches": (
        PIPE + "\nif torch:\n    class Second(MyPipeline): pass\nelse:\n    class Second(MyPipeline): pass\n",
        False,
    ),
    "second_type_checking": (
        PIPE + "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    class Second(MyPipeline):\n        pass\n",
        True,
    ),
    "second_in_try": (PIPE + "\ntry:\n    class Second(MyPipeline):\n        pass\nfinally:\n    pass\n", False),
    "second_in_else_of_try": (
        PIPE + "\ntry:\n    import no_such_module\nexcept ImportError:\n    pass\nelse:\n"
        "    class Second(MyPipeline):\n        pass\n",
        None,
    ),
    "second_in_while": (PIPE + "\nwhile True:\n    class Second(MyPipeline): pass\n    break\n", None),
    "second_in_match": (PIPE + "\nmatch 1:\n    case 1:\n        class Second(MyPipeline): pass\n", None),
    "second_in_with_suppress": (
        PIPE + "\nimport contextlib\nwith contextlib.suppress(ImportError):\n    class Second(MyPipeline): pass\n",
        None,
    ),
    "second_by_type": (PIPE + "\nSecond = type('Second', (MyPipeline,), {})\n", None),
    "second_by_factory": (PIPE + "\ndef make():\n    class X(MyPipeline): pass\n    return X\n\nSecond = make()\n", None),
    "second_by_new_class": (PIPE + "\nimport types\nSecond = types.new_class('Second', (MyPipeline,))\n", None),
    "second_by_dataclass": (
        PIPE + "\nfrom dataclasses import make_dataclass\nSecond = make_dataclass('Second', [], bases=(MyPipeline,))\n",
        None,
    ),
    "only_by_type": ("MyPipeline = type('MyPipeline', (DiffusionPipeline,), {})\n", None),
    "only_by_factory": (
        "def make(base):\n    class X(base):\n        def __init__(self, unet, scheduler):\n"
        "            self.register_modules(unet=unet, scheduler=scheduler)\n    return X\n\n"
        "MyPipeline = make(DiffusionPipeline)\n",
        None,
    ),
    "only_in_function": ("def make():\n" + PIPE.replace("\n", "\n    ") + "\n", False),
    "only_deleted": (PIPE + "\ndel MyPipeline\n", False),
    "only_deleted_and_kept_elsewhere": (PIPE + "\nKeep = [MyPipeline]\ndel MyPipeline\n", False),
    "only_imported_library_class": ("from diffusers import DDPMPipeline\n", False),
    "only_library_alias": ("from diffusers import DDPMPipeline as MyPipeline\n", False),
    "nothing": ("", False),
    "comment_only": ("# DiffusionPipeline\n", False),
    "named_like_the_base": (PIPE.replace("MyPipeline", "DiffusionPipeline"), False),
    "base_under_alias": ("Base = DiffusionPipeline\n" + PIPE.replace("(DiffusionPipeline)", "(Base)"), True),
    "base_by_module": ("import diffusers\n" + PIPE.replace("(DiffusionPipeline)", "(diffusers.DiffusionPipeline)"), True),
    "base_by_module_alias": (
        "import diffusers as d\n" + PIPE.replace("(DiffusionPipeline)", "(d.DiffusionPipeline)"),
        True,
    ),
    "base_by_submodule": (
        "from diffusers.pipelines import pipeline_utils\n"
        + PIPE.replace("(DiffusionPipeline)", "(pipeline_utils.DiffusionPipeline)"),
        True,
    ),
    "base_by_library_pipeline": (
        "from diffusers import DDPMPipeline\n\nclass MyPipeline(DDPMPipeline):\n    pass\n",
        True,
    ),
    "base_conditional": (
        "if torch:\n    Base = DiffusionPipeline\nelse:\n    Base = object\n"
        + PIPE.replace("(DiffusionPipeline)", "(Base)"),
        None,
    ),
    "base_called": ("def base():\n    return DiffusionPipeline\n" + PIPE.replace("(DiffusionPipeline)", "(base())"), None),
    "base_starred": ("BASES = (DiffusionPipeline,)\n" + PIPE.replace("(DiffusionPipeline)", "(*BASES)"), None),
    "base_and_mixin": ("class Mixin:\n    pass\n" + PIPE.replace("(Diff", "(Mixin, Diff"), True),
    "base_mixin_with_init": (
        "class Mixin:\n    def __init__(self):\n        pass\n" + PIPE.replace("(Diff", "(Mixin, Diff"),
        True,
    ),
    "base_generic": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\n" + PIPE.replace("Pipeline)", "Pipeline, Generic[T])", 1),
        True,
    ),
    "base_star_import": (
        "from diffusers import *\n" + PIPE.replace("(DiffusionPipeline)", "(DDPMPipeline)"),
        None,
    ),
    "metaclass": (
        "class Meta(type(DiffusionPipeline)):\n    pass\n" + PIPE.replace("Pipeline)", "Pipeline, metaclass=Meta)", 1),
        None,
    ),
    "metaclass_abc": ("import abc\n" + PIPE.replace("Pipeline)", "Pipeline, abc.ABC)", 1), True),
    "decorated_by_dataclasses": ("import functools\n@functools.total_ordering" + PIPE.replace(
        "    def __init__", "    def __lt__(self, other):\n        return True\n\n    def __init__"), True),
    "decorated_away": ("def gone(cls):\n    return None\n\n@gone" + PIPE, None),
    "decorated_twice_bound": ("KEEP = []\n\ndef keep(cls):\n    KEEP.append(cls)\n    return cls\n\n@keep" + PIPE, None),
    "bom": ("\ufeff" + PIPE, True),
    "crlf": (PIPE.replace("\n", "\r\n"), True),
    "form_feed": ("\f" + PIPE, True),
    "no_newline_at_end": (PIPE.rstrip(), True),
    "semicolons": (PIPE + "\nx = 1; Alias = MyPipeline; del Alias\n", True),
    "star_import_of_library": ("from diffusers import *\n" + PIPE, True),
    "import_error_guard": ("try:\n    import no_such_module\nexcept ImportError:\n    no_such_module = None\n" + PIPE, True),
    "unicode_name": (PIPE.replace("MyPipeline", "MeinÜberPipeline"), True),
    "future_annotations": ("from __future__ import annotations\n" + PIPE, True),
    "lambda_and_comprehension": (PIPE + "\nf = lambda: MyPipeline\nx = [c for c in (MyPipeline,)]\n", True),
    "function_returning_it": (PIPE + "\ndef get():\n    return MyPipeline\n", True),
    "function_decorated": (PIPE + "\n@torch.no_grad()\ndef helper():\n    return 1\n", True),
    "logger_call": (PIPE + "\nfrom diffusers.utils import logging\nlogger = logging.get_logger(__name__)\n", True),
    "relative_in_docstring": (PIPE + '\n"""\nfrom .helper import x\n"""\n', False),
    "relative_in_comment": (PIPE + "\n# from .helper import x\n", True),
    "relative_in_function": (PIPE + "\ndef f():\n    from .helper import x\n    return x\n", False),
    "relative_two_dots": (PIPE + "\ndef f():\n    from ..helper import x\n    return x\n", False),
    "init_kwargs": (PIPE.replace("scheduler):", "scheduler, **kwargs):"), True),
    "init_missing": ("class MyPipeline(DiffusionPipeline):\n    pass\n", True),
    "init_keyword_only": (PIPE.replace("unet, scheduler):", "*, unet, scheduler):"), True),
    "init_super_slip": (PIPE.replace("super().__init__()", "super()._init_()"), True),
    "init_super_slip_guarded": (
        PIPE.replace("super().__init__()", "if False:\n            super()._init_()"),
        True,
    ),
    "init_early_use": (PIPE.replace("super().__init__()", "self.n = self.unet.config"), True),
    "init_early_use_in_lambda": (PIPE.replace("super().__init__()", "self.n = lambda: self.unet.config"), True),
    "init_early_use_of_property": (
        PIPE.replace("super().__init__()", "self.n = self.size") + "\n    @property\n    def size(self):\n        return 1\n",
        True,
    ),
    "missing_module": ("import diffusers.no_such\n" + PIPE, False),
    "missing_name": ("from diffusers import no_such_name\n" + PIPE, False),
    "missing_in_try": ("try:\n    import diffusers.no_such\nexcept ImportError:\n    pass\n" + PIPE, True),
    "missing_in_try_bare": ("try:\n    import diffusers.no_such\nexcept:\n    pass\n" + PIPE, True),
    "missing_in_try_tuple": (
        "try:\n    import diffusers.no_such\nexcept (ValueError, ImportError):\n    pass\n" + PIPE, True),
    "missing_in_try_other_error": ("try:\n    import diffusers.no_such\nexcept ValueError:\n    pass\n" + PIPE, False),
    "missing_in_try_finally": ("try:\n    import diffusers.no_such\nfinally:\n    pass\n" + PIPE, False),
    "missing_name_in_try_module_error": (
        "try:\n    from diffusers import no_such_name\nexcept ModuleNotFoundError:\n    pass\n" + PIPE, None),
    "missing_in_handler": (
        "try:\n    import diffusers.no_such\nexcept ImportError:\n    import diffusers.nor_this\n" + PIPE, False),
    "missing_in_handler_not_reached": (
        "try:\n    import diffusers\nexcept ImportError:\n    import diffusers.nor_this\n" + PIPE, True),
    "missing_and_raised": (
        "try:\n    import diffusers.no_such\nexcept ImportError:\n    raise ImportError('no')\n" + PIPE, False),
    "missing_in_nested_try": (
        "try:\n    try:\n        import diffusers.no_such\n    except ValueError:\n        pass\n"
        "except ImportError:\n    pass\n" + PIPE, True),
    "missing_in_else_of_try": (
        "try:\n    import diffusers\nexcept ImportError:\n    pass\nelse:\n    import diffusers.no_such\n" + PIPE, False),
    "missing_in_suppress": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import diffusers.no_such\n" + PIPE, True),
    "missing_in_with": ("with torch.no_grad():\n    import diffusers.no_such\n" + PIPE, False),
    "missing_in_loop": ("for _i in range(1):\n    import diffusers.no_such\n" + PIPE, None),
    "missing_in_class_body": ("class Holder:\n    import diffusers.no_such\n" + PIPE, False),
    "missing_in_function": ("def later():\n    import diffusers.no_such\n" + PIPE, True),
    "missing_in_both_branches": (
        "if torch.cuda.is_available():\n    import diffusers.no_such\nelse:\n    import diffusers.nor_this\n" + PIPE,
        False,
    ),
    "missing_in_one_branch": ("if torch.cuda.is_available():\n    import diffusers.no_such\n" + PIPE, None),
    "missing_for_type_checking": (
        "import typing\nif typing.TYPE_CHECKING:\n    from diffusers import no_such_name\n" + PIPE, True),
    "missing_where_torch_is": (
        "from diffusers.utils import is_torch_available\nif is_torch_available():\n    import diffusers.no_such\n" + PIPE,
        False,
    ),
    "missing_where_torch_is_not": (
        "from diffusers.utils import is_torch_available\nif not is_torch_available():\n    import diffusers.no_such\n"
        + PIPE,
        True,
    ),
    "missing_for_old_diffusers": (
        "import diffusers\nfrom packaging import version\nif version.parse(diffusers.__version__) < version.parse('0.5'):\n"
        "    import diffusers.no_such\n" + PIPE, True),
    "missing_for_new_diffusers": (
        "import diffusers\nfrom packaging import version\nif version.parse('0.5') <= version.parse(diffusers.__version__):\n"
        "    import diffusers.no_such\n" + PIPE, False),
    "missing_by_helper": (
        "from diffusers.utils import is_transformers_version\nif is_transformers_version('>=', '4.0'):\n"
        "    import diffusers.no_such\n" + PIPE, False),
    "name_rebound_over_missing": (
        "try:\n    from diffusers import no_such_name\nexcept ImportError:\n    no_such_name = DiffusionPipeline\n"
        + PIPE.replace("(DiffusionPipeline)", "(no_such_name)"), None),
    "submodule_by_attribute": ("import diffusers.utils.torch_utils as tu\nx = tu.randn_tensor\n" + PIPE, True),
    "lazy_submodule": ("from diffusers.models import autoencoders\n" + PIPE, True),
    "made_up_tokenizer": ("from transformers import T5TokenizerFast\n" + PIPE, True),
    "minimum_version_met": (
        "from diffusers.utils import check_min_version\ncheck_min_version('0.20.0.dev0')\n" + PIPE, True),
    "minimum_version_not_met": (
        "from diffusers.utils import check_min_version\ncheck_min_version('99.0.0')\n" + PIPE, False),
    "minimum_version_of_5000_digits": (
        f"from diffusers.utils import check_min_version\ncheck_min_version('{'9' * 5000}')\n" + PIPE, None),
    "version_of_5000_digits": (
        "import diffusers\nfrom packaging import version\n"
        f"if version.parse(diffusers.__version__) < version.parse('0.{'9' * 5000}'):\n    import diffusers.no_such\n" + PIPE,
        None),
    "base_not_a_pipeline": ("from diffusers import UNet2DModel\nclass MyPipeline(UNet2DModel):\n    pass\n", False),
    "base_modular_pipeline": ("from diffusers import ModularPipeline\nclass P(ModularPipeline):\n    pass\n", False),
    "base_mixin_only": ("from diffusers.loaders import FromSingleFileMixin\nclass P(FromSingleFileMixin): pass\n", False),
}  # fmt: skip
