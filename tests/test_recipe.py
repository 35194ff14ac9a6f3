"""An author's recipe: what it may say, what is said of one that is wrong, and what comes of it in the smoke-load."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PIPELINES
from cpipe_check import pipeline_file
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.config import ConfigError, read_config
from cpipe_check.pipeline_file import recipe as reading
from cpipe_check.pipeline_file.inline_block import blocks
from cpipe_check.pipeline_file.recipe import RecipeError
from cpipe_check.pipeline_file.recipe_table import MAX_BYTES, MAX_PROBLEMS
from cpipe_check.recipe import REFERENCES, ComponentRecipe, Expected, Recipe, recipe_from, unknown_names
from cpipe_check.rules import invalid_recipe
from cpipe_check.sandbox.frames import MAX_FRAME, to_payload
from cpipe_check.smoke import failures
from cpipe_check.smoke.job import Job, Signature, job_from
from cpipe_check.smoke.run import SmokeOptions, _lay_out
from cpipe_check.smoke.target import SmokeTarget
from cpipe_check.static import findings
from cpipe_check.submission import Submission

# PEP 723, as it stands there.
PEP_723 = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
PIPELINE = """
import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class MyPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, prompt, image=None, num_inference_steps=50):
        return self.unet(torch.ones(1, 3, 32, 32), 1).sample
"""


def block(toml: str) -> str:
    lines = "".join(f"# {line}\n" if line else "#\n" for line in toml.rstrip("\n").split("\n"))
    return f"# /// cpipe-check\n{lines}# ///\n"


def read(source: str, given: dict[str, Any] | None = None) -> reading.RecipeFacts:
    return pipeline_file.read("my_pipeline.py", source.encode(), target=resolve(), given_recipe=given or {}).recipe


def errors(source: str, given: dict[str, Any] | None = None) -> list[tuple[int, str]]:
    return [(error.line, error.message) for error in read(source, given).errors]


FULL = """
reference = "stable-diffusion-xl"
packages = ["controlnet-aux>=0.0.6", "einops"]

[components]
unet = { class = "UNet2DConditionModel", in_channels = 9 }
scheduler = "DDIMScheduler"
[call]
prompt = "a cat # not a comment"
num_inference_steps = 3
image = [{ image = [64, 32] }, { mask = [8, 8] }]
[expect]
type = "ImagePipelineOutput"
images = 1
shape = [1, 3, 64, -1]
"""
RECIPE = Recipe(
    reference="stable-diffusion-xl",
    packages=("controlnet-aux>=0.0.6", "einops"),
    components={
        "unet": ComponentRecipe("UNet2DConditionModel", {"in_channels": 9}),
        "scheduler": ComponentRecipe("DDIMScheduler"),
    },
    call={
        "prompt": "a cat # not a comment",
        "num_inference_steps": 3,
        "image": [{"image": [64, 32]}, {"mask": [8, 8]}],
    },
    expect=Expected("ImagePipelineOutput", 1, (1, 3, 64, -1)),
)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reads_all_of_it(newline: str) -> None:
    facts = read((block(FULL) + PIPELINE).replace("\n", newline))
    assert (facts.recipe, facts.errors) == (RECIPE, ())


def test_no_recipe_is_an_empty_one() -> None:
    assert read(PIPELINE) == reading.RecipeFacts(Recipe(), ())


@pytest.mark.parametrize("recipe", [RECIPE, Recipe(), Recipe(skip="too large")])
def test_crosses_as_json(recipe: Recipe) -> None:
    assert recipe_from(json.loads(json.dumps(recipe.to_object()))) == recipe


def test_references_are_the_families() -> None:
    families = pytest.importorskip("cpipe_check.smoke.reference.families")
    assert {family.name for family in families.FAMILIES} == REFERENCES


def test_the_documented_recipe_is_valid() -> None:
    example = re.findall(r"    (# /// cpipe-check\n.*?    # ///\n)", invalid_recipe.__doc__ or "", re.DOTALL)[0]
    readme = (PIPELINES.parent.parent / "README.md").read_text()
    for text in (example.replace("\n    ", "\n"), re.findall(r"# /// cpipe-check\n.*?\n# ///\n", readme, re.DOTALL)[0]):
        facts = read(text)
        assert facts.errors == ()
        assert facts.recipe.components["unet"].class_name == "UNet2DConditionModel"


@pytest.mark.parametrize(
    ("toml", "line", "message"),
    [
        ('\nrefrence = "ddpm"', 3, "unknown key `refrence`; is `reference` meant?"),
        ("zzz = 1", 2, "unknown key `zzz`; there are reference, packages, skip, components, call, expect"),
        ("reference = 1", 2, "`reference` is a string, not a number"),
        ('reference = "stable-difusion"', 2, "is `stable-diffusion` meant?"),
        ('reference = "org/model"', 2, "a Hub repository or a directory is given by `--reference`"),
        ('reference = "./model"', 2, "a Hub repository or a directory is given by `--reference`"),
        ('packages = "einops"', 2, "`packages` is a list"),
        ('packages = [\n"einops>>1"]', 2, "`einops>>1` is no requirement: "),
        ('packages = ["a @ https://example.org/a.whl"]', 2, "names an address"),
        ("packages = [\"a; python_version ~= 'x'\"]", 2, "is no requirement"),
        ("packages = ['a; (((((((((" + "(" * 5000 + "']", 2, "short strings"),
        ("skip = true", 2, "`skip` says why"),
        ("call = 3", 2, "`call` is a table, [call], not a number"),
        ("[[call]]", 2, "`call` is a table, [call], not a list"),
        ("[components]\n\nunet = 9", 4, "`unet` is the name of a class"),
        ("[components]\nunet = {in_channels = 9}", 3, "`unet` is the name of a class"),
        ('[components]\nunet = "os.system"', 3, "`unet` is the name of a class"),
        ('[components.unet]\nclass = "A"\nday = 1979-05-27', 4, "a date cannot be passed on"),
        ('[components]\nunets = "UNet2DModel"', 3, "`__init__` has no parameter `unets`; is `unet` meant?"),
        ("[call]\nprompt = 1\nsteps = 2", 4, "no parameter `steps`; there are prompt, image, num_inference_steps"),
        ("call.'prompt' = 1\ncall.\"nix\" = 2", 3, "`__call__` has no parameter `nix`"),
        ("[call]\nimage = {image = [64]}", 3, "takes width (at most 512), height (at most 512)"),
        ("[call]\nimage = {image = [64, 513]}", 3, "takes width (at most 512), height (at most 512)"),
        ("[call]\nimage = {image = [0, 5]}", 3, "takes width"),
        ("[call]\nimage = {mask = [true, 5]}", 3, "takes width"),
        ("[call]\nimage = {images = [65, 8, 8]}", 3, "takes number (at most 64)"),
        ("[call]\nimage = {video = [64, 8.0, 8]}", 3, "takes frames (at most 64)"),
        ("[call]\nimage = {tensor = [4096, 4097]}", 3, "more than 16 million numbers"),
        ("[call]\nimage = {array = [1,1,1,1,1,1,1,1,1]}", 3, "a shape of at most 8 sizes"),
        ("[call]\nimage = {tensor = []}", 3, "a shape of at most 8 sizes"),
        ("[call]\nimage = {tensor = [-1, 2]}", 3, "a shape of at most 8 sizes"),
        ("[call]\nimage = {generator = -1}", 3, "{generator = SEED} takes a number"),
        ("[call]\nimage = {omit = 1}", 3, "what leaves an argument out is {omit = true}"),
        ("[call]\nimage = [{omit = true}]", 3, "leaves out an argument, not a part of one"),
        ("[call]\nprompt = {omit = true}", 3, "`prompt` has no default, so that it cannot be left out"),
        (f"[call]\nimage = [{'{tensor = [4096, 4096]},' * 5}]", 3, "more than 64 million numbers"),
        ("[call]\nimage = [[[[[[[[[[[1]]]]]]]]]]]", 3, "nested too deeply"),
        ("[call]\nimage = nan", 3, "not finite"),
        ("[call]\nimage = 9223372036854775808", 3, "more than 64 bits"),
        ("[call]\nimage = 2020-01-01T00:00:00Z", 3, "a datetime cannot be passed on"),
        ("[expect]\ntypo = 1", 3, "unknown key `typo`; is `type` meant?"),
        ("[expect]\ntype = 'a b'", 3, "`type` is the class name"),
        ("[expect]\nimages = -1", 3, "`images` is how many"),
        ("[expect]\nshape = [1, 'x']", 3, "`shape` is the first array's"),
        ("[expect]\nshape = 3", 3, "`shape` is the first array's"),
        ("[call]\n\nimage = = 3", 4, "no valid TOML: Invalid value"),
        ("[call]\nimage = 1\nimage = 2", 4, "no valid TOML: Cannot overwrite a value"),
        ('[call]\nimage = "', 3, "no valid TOML"),
        ("image = " + "[" * 3000, 1, "nested too deeply"),
        ("\n" + ".".join("a" * 30_000) + " = 1", 3, "a key has too many parts"),
        ("x = " + "1" * 5000, 1, "no valid TOML"),
        ("[call]\nprompt = '" + "x" * MAX_BYTES + "'", 1, "larger than 64 KB"),
    ],
)  # fmt: skip
def test_error_and_its_line(toml: str, line: int, message: str) -> None:
    found = errors(block(toml) + PIPELINE)
    assert len(found) == 1
    assert found[0][0] == line
    assert message in found[0][1]
    # The same block further down, and in a file that ends its lines otherwise.
    source = ("x = 1\n\n" + block(toml) + PIPELINE).replace("\n", "\r\n")
    assert errors(source)[0][0] == line + 2


def test_several_errors_in_order() -> None:
    found = errors(block("[expect]\nimages = 'x'\n[call]\nimage = nan\n[skips]\n") + PIPELINE)
    assert [line for line, _ in found] == [3, 5, 6]
    many = "\n".join(f"a{i} = 1" for i in range(1000))
    assert len(errors(block(many))) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (
            block("skip = 'a'") + "\n" + block("skip = 'b'"),
            5,
            "a second block `# /// cpipe-check`; the first is on line 1",
        ),
        ("# /// cpipe-check\n# skip = 'a'\n", 1, "the block has no end"),
        ("# /// cpipe-check\n# skip = 'a'\nx = 1\n# ///\n", 1, "the block has no end"),
        ("# /// cpipe-check\n# ///\n", 1, "the block has no end"),
        ("x = 1\n#/// cpipe-check\n# ///\n", 2, "a block begins with exactly `# /// cpipe-check`"),
        ("# /// cpipe-check \n# ///\n", 1, "a block begins with exactly"),
        ("# /// cpipe_check\n# ///\n", 1, "a block begins with exactly"),
        ("# /// script\n# a = 1\n# ///\n" + block("skip = 'a'"), 4, "it stands in the block `# /// script`"),
        (block("skip = 'a'") + "# /// script\n# a = 1\n# ///\n", 3, "no valid TOML"),
    ],
)
def test_what_is_no_block(source: str, line: int, message: str) -> None:
    found = errors(source)
    assert [number for number, _ in found] == [line]
    assert message in found[0][1]


pieces = st.sampled_from(
    [
        "# /// a",
        "# /// cpipe-check",
        "# ///",
        "#",
        "# x = 1",
        "# ",
        "#x",
        "",
        " # ///",
        "# /// a ",
        "# ///\r",
        "x",
        "# /// é",
    ]
)


@settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@given(st.lists(pieces, max_size=12), st.booleans())
def test_blocks_are_those_of_the_pep(lines: list[str], ends: bool) -> None:
    source = "\n".join(lines) + "\n" * ends
    text = source.replace("\r\n", "\n")  # as a file that is read in text mode has them
    theirs = [
        (
            match["type"],
            "".join(line[2:] if line.startswith("# ") else line[1:] for line in match["content"].splitlines(True)),
            text.count("\n", 0, match.start()) + 1,
        )
        for match in PEP_723.finditer(text)
    ]
    assert [(b.type, b.content, b.line) for b in blocks(source) if b.closed] == theirs


def test_many_openings_take_linear_time() -> None:
    source = "# /// cpipe-check\n" * 50_000
    assert [(b.line, b.closed) for b in blocks(source)] == [(1, False)]


keys = st.sampled_from(
    ["reference", "packages", "skip", "components", "call", "expect", "type", "images", "prompt", "unet"]
)
plain = st.one_of(
    st.sampled_from(
        ["{image = [64, 64]}", "{tensor = [1]}", "{omit = true}", '{class = "A"}', "[1, 2]", '"ddpm"', "''"]
    ),
    st.sampled_from(
        ["1979-05-27", "inf", "{}", "[]", "{image = {image = [1, 1]}}", "1e9", "true", '["a>1", "b"]', "07:32:00"]
    ),
    st.text(max_size=20),
)
toml_lines = st.one_of(
    st.builds("{} = {}".format, keys, plain),
    st.builds("[{}]".format, keys),
    st.builds("{}.{} = {}".format, keys, keys, plain),
    st.builds("[[{}]]".format, keys),
    st.text(max_size=30),
)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.lists(toml_lines, max_size=6).map("\n".join))
def test_any_block_gives_a_recipe_or_errors(toml: str) -> None:
    source = block(toml)
    try:
        found = reading.find(source)
        if found is not None:
            reading.load(found)
    except RecipeError:
        pass
    facts = reading.recipe_facts(source, {})
    assert all(1 <= error.line <= source.count("\n") + 1 and error.message for error in facts.errors)
    assert facts.recipe == Recipe() or not facts.errors
    assert recipe_from(json.loads(json.dumps(facts.recipe.to_object(), allow_nan=False))) == facts.recipe


def test_a_recipe_fits_in_a_frame() -> None:
    """The most that 64 KB of TOML can come to as JSON."""
    source = block("[call]\nprompt = '" + "\U0001f600" * (MAX_BYTES // 4 - 20) + "'")
    facts = read(source + PIPELINE)
    assert facts.errors or len(to_payload(facts.recipe.to_object())) < MAX_FRAME // 2


def test_hostile_text_is_inert() -> None:
    toml = '[call]\n"\\u001b[31m\\u202e\\n::error::" = 1'
    file = pipeline_file.read("my_pipeline.py", (block(toml) + PIPELINE).encode(), target=resolve())
    (finding,) = findings(file, [invalid_recipe.RULE])
    assert finding.message.isprintable()
    assert "error" in finding.message
    static = check_static(
        Submission("my_pipeline.py", (block(toml) + PIPELINE).encode(), None), resolve(), for_smoke=True
    )
    assert static.target is None
    assert static.why_no_target.startswith("its recipe is not valid (CP501): ")


@pytest.mark.parametrize(
    ("signature", "toml", "wrong"),
    [
        ("self, prompt, **kwargs", "[call]\nanything = 1", False),
        ("self, *, prompt", "[call]\nprompt = 1", False),
        ("self, *prompt", "[call]\nprompt = 1", True),
        ("self, prompt=None", "[call]\nprompt = {omit = true}", False),
    ],
)
def test_signatures(signature: str, toml: str, wrong: bool) -> None:
    source = PIPELINE.replace("self, prompt, image=None, num_inference_steps=50", signature)
    assert bool(errors(block(toml) + source)) is wrong


def test_inherited_signature_is_not_known_from_the_text() -> None:
    source = "from diffusers import StableDiffusionPipeline\n\n\nclass Mine(StableDiffusionPipeline):\n    pass\n"
    assert errors(block("[call]\nanything = 1") + source) == []


def settings_in(directory: Path, text: str) -> Path:
    (directory / "pyproject.toml").write_text(text)
    return directory


RECIPES = """
[tool.cpipe-check.recipes."pipelines/*"]
skip = "too large"
call = {prompt = "a dog", num_inference_steps = 7}
[tool.cpipe-check.recipes."./pipelines/deep/my_pipeline.py"]
skip = ""
call.prompt = "a cow"
"""


def test_recipes_in_pyproject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = read_config(settings_in(tmp_path, RECIPES)).recipes
    monkeypatch.chdir(tmp_path)
    first = {"skip": "too large", "call": {"prompt": "a dog", "num_inference_steps": 7}}
    assert recipes.table_for(str(tmp_path / "pipelines" / "other.py")) == first
    assert recipes.table_for("pipelines/other.py") == first
    assert recipes.table_for("other.py") == {}
    later = {"skip": "", "call": {"prompt": "a cow", "num_inference_steps": 7}}
    assert recipes.table_for("pipelines/../pipelines/deep/my_pipeline.py") == later
    (tmp_path / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path / "pipelines")
    assert recipes.table_for("other.py") == first


def test_inline_goes_over_pyproject_key_by_key() -> None:
    given = {"skip": "too large", "call": {"prompt": "a dog", "num_inference_steps": 7}, "packages": ["a"]}
    recipe = read(block("skip = ''\npackages = []\n[call]\nprompt = 'a cat'") + PIPELINE, given).recipe
    assert recipe == Recipe(call={"prompt": "a cat", "num_inference_steps": 7})


def test_pyproject_against_the_signature() -> None:
    given = {"call": {"promt": "a dog"}}
    said = "the recipe in pyproject.toml: `__call__` has no parameter `promt`; is `prompt` meant?"
    assert errors(PIPELINE, given) == [(1, said)]
    assert errors("x = 1\n" + block("skip = 'x'") + PIPELINE, given) == [(2, said)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.cpipe-check]\nrecipes = 3", "is a table of recipes"),
        ("[tool.cpipe-check.recipes]\n'a.py' = 3", '[tool.cpipe-check.recipes."a.py"] is no table'),
        ("[tool.cpipe-check.recipes.a.py]\nskip = 'x'", "a path stands in quotes"),
        ("[tool.cpipe-check.recipes.'a.py']\ncal.x = 1", "unknown key `cal`; is `call` meant?"),
        ("[tool.cpipe-check.recipes.'a.py']\ncall.x = {image = [9000, 9000]}", "at most 512"),
        ("[tool.cpipe-check]\ndiffusers = 3", "diffusers is a string"),
        ("[tool.cpipe-check]\nnix = 3", "there are diffusers, transformers, select, ignore, fail-on, recipes"),
    ],
)
def test_bad_settings(command, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_config(settings_in(tmp_path, text))


def test_the_command_reads_both(command, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "a.py").write_text(PIPELINE)
    (tmp_path / "pipelines" / "b.py").write_text(block('skip = "\\u001b[31mneeds 40 GB"') + PIPELINE)
    settings_in(tmp_path, RECIPES)
    done = command("--output-format", "json", "pipelines", cwd=tmp_path)
    reasons = [file["smoke"]["reason"] for file in json.loads(done.out)["files"]]
    assert reasons == ["skipped by its recipe: too large", "skipped by its recipe: needs 40 GB"]
    settings_in(tmp_path, "[tool.cpipe-check]\nrecipes = 3")
    assert command("--static", "pipelines", cwd=tmp_path).code == 2


class _Room:
    """Where a job is laid out; nothing runs in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def clear(self) -> None:
        (self.directory / "submission").mkdir(parents=True, exist_ok=True)


def job(recipe: Recipe, directory: Path, packages: tuple[str, ...] = ()) -> Job:
    target = SmokeTarget("MyPipeline", Signature(()), Signature(()), (), (), packages, recipe=recipe)
    return _lay_out(target, {"my_pipeline.py": b""}, SmokeOptions(), _Room(directory))  # type: ignore[arg-type]


def test_arrives_in_the_job(tmp_path: Path) -> None:
    static = check_static(
        Submission("my_pipeline.py", (block(FULL) + PIPELINE).encode(), None), resolve(), for_smoke=True
    )
    assert static.target is not None
    assert static.target.recipe == RECIPE
    sent = job(static.target.recipe, tmp_path).to_object()
    assert job_from(json.loads(json.dumps(sent))).recipe == RECIPE


@pytest.mark.parametrize(
    ("declared", "imported", "expected"),
    [
        (("no-such-one>=2",), ("no_such_one.part", "no_such_two"), "pip install 'no-such-one>=2' no_such_two"),
        (("no-such-one>=2",), (), "it needs a package that is not installed here: pip install 'no-such-one>=2'"),
        (("pytest>=9999",), (), "pip install 'pytest>=9999'"),
        (("pytest",), ("no_such_two",), ""),
        (("no-such-one; python_version < '3'",), (), ""),
        ((), ("no_such_two",), ""),
    ],
)
def test_packages_that_are_missing(tmp_path: Path, declared: Any, imported: Any, expected: str) -> None:
    said = failures.declared_and_lacking(job(Recipe(packages=declared), tmp_path, imported))
    assert said.endswith(expected) if expected else said == ""


def test_authors_name_for_a_package(tmp_path: Path) -> None:
    asked = job(Recipe(packages=("opencv-python-headless>=9999",)), tmp_path, ("cv2",))
    assert failures._missing("cv2", asked).endswith(": pip install 'opencv-python-headless>=9999'")
    assert failures._missing("cv2", job(Recipe(), tmp_path, ("cv2",))).endswith(": pip install opencv-python")


def test_unknown_names() -> None:
    (cls,) = pipeline_file.read("a.py", PIPELINE.encode()).namespace.classes  # type: ignore[union-attr]
    from cpipe_check.pipeline_file.definitions import function_of

    parameters = function_of(cls.methods["__call__"], method=True).parameters
    assert unknown_names({"prompt": 1, "nix": 2}, parameters) == ["nix"]
