"""The file's recipe for the smoke-load is not valid.

diffusers does not read recipes, so the file loads all the same; but the smoke-load is `not run` with a recipe that does
not say what its author means. Correct the line that is marked.

A recipe says how to run a file that tells too little of itself. It is TOML, in comments that stand alone, by the rules
of PEP 723: at most one block, with exactly these lines around it. Every key may be left out:

    # /// cpipe-check
    # reference = "stable-diffusion-xl"
    # packages = ["controlnet-aux>=0.0.6"]
    # [components]
    # unet = {class = "UNet2DConditionModel", in_channels = 9}
    # scheduler = "DDIMScheduler"
    # [call]
    # prompt = "a cat"
    # image = {image = [64, 64]}
    # mask_image = {mask = [64, 64]}
    # eta = {omit = true}
    # [expect]
    # type = "ImagePipelineOutput"
    # images = 1
    # ///

- `reference`: the tiny model to run against, by its name: ddpm, stable-diffusion or stable-diffusion-xl. A model of
  your own, a directory or a Hub repository, is given by `--reference`, which goes over this one.
- `packages`: what the file needs besides diffusers, as pip takes it. Where one is missing, the smoke-load is `not run`.
- `skip`: why the file is not run at all, such as "needs a 40 GB checkpoint".
- `[components]`: for a parameter of `__init__`, a class of diffusers or transformers, or a table of that class and
  arguments for its configuration.
- `[call]`: keyword arguments of the one call, over those that are made from its signature. Numbers, strings, booleans,
  lists and tables are themselves. These tables stand for what TOML has no word for, inside lists and tables too (of at
  most 512 pixels a side, 64 frames, 16 million numbers):

      {image = [WIDTH, HEIGHT]}           a PIL image
      {mask = [WIDTH, HEIGHT]}            a black and white one
      {images = [N, WIDTH, HEIGHT]}       a list of PIL images
      {video = [FRAMES, WIDTH, HEIGHT]}   the same
      {tensor = [1, 4, 8, 8]}             a float32 tensor on the device, of random numbers from 0 to 1
      {array = [1, 4, 8, 8]}              such a numpy array
      {generator = SEED}                  a torch.Generator
      {omit = true}                       nothing: the argument is left out

- `[expect]`: what must come out. `type` is the class name of what is returned, `images` the number of its images,
  `shape` the shape of the first array in it (an image's is [height, width, 3]), with -1 for any size.

The same keys may stand in pyproject.toml, under the file's path seen from there, or a pattern of paths in which `*`
stands for any characters. Of several that fit, a later one goes over an earlier one, and the inline block goes over
all, key by key:

    [tool.cpipe-check.recipes."pipelines/my_pipeline.py"]
    call = {prompt = "a cat", num_inference_steps = 3}
"""

from collections.abc import Iterator

from cpipe_check.finding import Span
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case

_CALL = """
    @torch.no_grad()
    def __call__(self, prompt=None, num_inference_steps=50):
        return self.unet(torch.zeros(1, 3, 32, 32), 0).sample
"""
_BLOCK = """
# /// cpipe-check
# packages = ["einops>=0.7"]
# [components]
# scheduler = "DDIMScheduler"
# [call]
# num_inference_steps = 3
# prompt = {omit = true}
# [expect]
# shape = [1, 3, -1, -1]
# ///
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    lines = file.source.split("\n")
    for error in file.recipe.errors:
        line = lines[error.line - 1].rstrip() if error.line <= len(lines) else ""
        yield Problem(
            Span(error.line, 1, error.line, len(line) + 1),
            error.message,
            advice="`cpipe-check --explain CP501` shows what may stand in a recipe",
        )


def _bad(old: str, new: str) -> str:
    return _BLOCK.replace(old, new) + PIPELINE + _CALL


RULE = Rule(
    code="CP501",
    name="invalid-recipe",
    docs=__doc__,
    check=check,
    bad=(
        case(_bad("packages", "package")),
        case(_bad('"DDIMScheduler"', "3")),
        case(_bad("[call]", "[call")),
        case(_bad("num_inference_steps", "steps")),
        case(_bad("einops>=0.7", "einops>>0.7")),
        case(_bad("# ///\n", "")),
        case(_BLOCK + _BLOCK + PIPELINE + _CALL),
        case(_bad("# /// cpipe-check", "#/// cpipe-check")),
        case(_bad("{omit = true}", "{image = [10000, 10000]}")),
    ),
    good=(
        case(_BLOCK + PIPELINE + _CALL),
        case("# /// script\n# dependencies = []\n# ///\n" + _BLOCK + PIPELINE + _CALL),
        case('# /// cpipe-check\n# skip = "needs a 40 GB checkpoint"\n# ///\n' + PIPELINE + _CALL),
        case(
            "# /// cpipe-check\n# call.anything = 1\n# ///\n"
            + PIPELINE
            + _CALL.replace("prompt=None, num_inference_steps=50", "**kwargs")
        ),
    ),
)
