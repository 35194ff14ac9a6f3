"""The example that a pipeline's author gives: where it is found, and what its arguments come to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cpipe_check import pipeline_file
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.example import KINDS, Example, ExampleValue, example_from
from cpipe_check.pipeline_file.example import example_of
from cpipe_check.smoke.job import Job, Signature, job_from
from cpipe_check.submission import Submission

CALL = "def __call__(self, prompt, image=None, steps=50, **kwargs):"


def source(
    *, module: str = "", constant: str = "", cls: str = "", call: str = "", method: str = CALL, main: str = ""
) -> str:
    """Return a pipeline file with texts in the places where an example may stand."""
    return "\n".join(
        [
            f'"""{module}"""',
            "from diffusers import DiffusionPipeline",
            f'HOW_TO = """{constant}"""',
            "class TidePipeline(DiffusionPipeline):",
            f'    """{cls}"""',
            "    def __init__(self, unet):",
            "        self.register_modules(unet=unet)",
            f"    {method}",
            f'        """{call}"""',
            main,
        ]
    )


def found(text: str, readme: str = "", name: str = "tide.py") -> Example | None:
    readmes = [("README.md", readme.encode())] if readme else []
    return example_of(pipeline_file.read(name, text.encode("utf-8", "surrogatepass"), read_readmes=lambda: readmes))


def example(code: str) -> Example:
    """Return the example of a file whose class docstring has this code in a fenced block."""
    result = found(source(cls=f"\n```python\n{code}\n```\n"))
    assert result is not None
    return result


def value(code: str, name: str = "x") -> ExampleValue:
    """Return the argument `x` of a call at the end of this code; its last line is the argument."""
    *before, last = code.strip().split("\n")
    return example("\n".join([*before, f"pipe('p', {name}={last})"])).arguments[name]


def shown(code: str) -> object:
    return plain(value(code))


def plain(item: ExampleValue) -> object:
    if item.kind == "literal":
        return item.value
    if item.kind in ("list", "tuple"):
        return (list if item.kind == "list" else tuple)(map(plain, item.items))
    if item.kind == "dict":
        return dict(zip(item.keys, map(plain, item.items), strict=True))
    details = [str(part) for part in (item.value, *item.shape, item.mode, item.text) if part not in (None, "")]
    return " ".join([f"<{item.kind}", *details]) + ">"


RUN = "pipe = TidePipeline.from_pretrained('a/b')\npipe('{}', steps=3)"
SOURCES = {
    "class docstring": {"cls": "Use:\n\n    " + RUN.format("x").replace("\n", "\n    ") + "\n\n    And so on.\n"},
    "HOW_TO": {
        "constant": "\n  Examples:\n    ```py\n    >>> " + RUN.format("x").replace("\n", "\n    >>> ") + "\n    ```\n"
    },
    "__call__ docstring": {
        "call": "\n        Examples:\n        >>> " + RUN.format("x").replace("\n", "\n        >>> ")
    },
    "module docstring": {"module": "Usage::\n\n    " + RUN.format("x").replace("\n", "\n    ")},
    "__main__ block": {"main": "if __name__ == '__main__':\n    " + RUN.format("x").replace("\n", "\n    ")},
}


@pytest.mark.parametrize("place", SOURCES)
def test_places(place: str) -> None:
    text = source(**SOURCES[place])
    result = found(text)
    assert result is not None
    assert (result.source, result.method, result.model, result.loaded_as) == (place, "__call__", "a/b", "TidePipeline")
    assert plain(result.positional[0]) == "x"
    assert {name: plain(item) for name, item in result.arguments.items()} == {"steps": 3}
    assert "steps=3" in text.split("\n")[result.line - 1]


def test_places_come_in_order() -> None:
    text = source(**{key: part for parts in SOURCES.values() for key, part in parts.items()})
    assert getattr(found(text), "source", "") == "class docstring"


README = """# All our pipelines

| Name | File |
|---|---|
| Tide | `tide.py` |

## Moon

```py
pipe = DiffusionPipeline.from_pretrained("m", custom_pipeline="moon")
pipe("of the moon", steps=2, image=None)
```

## Tide

Comes and goes with `TidePipeline`.

### Usage

```python
# not a heading
pipe = DiffusionPipeline.from_pretrained("t", custom_pipeline="tide")
```
Then
```
pipe("high tide", steps=4)
```
"""


def test_readme() -> None:
    result = found(source(), README)
    assert result is not None
    assert (result.source, result.model) == ("README.md", "t")
    assert "high tide" in README.split("\n")[result.line - 1]
    assert plain(result.positional[0]) == "high tide"


@pytest.mark.parametrize(
    ("readme", "name", "hit"),
    [
        (README, "ebb.py", True),
        (README.replace("Tide", "Ebb").replace("tide", "ebb"), "other.py", False),
        ("# Mine\n```py\npipe('x')\n```\n", "tide.py", False),
        ("# Mine\n```py\npipe('x')\n```\n", "pipeline.py", True),
        ("# Tide\n```py\npipe('x')\n```\n", "tide.py", True),
        ("## Tide pipelines\n```py\npipe('x')\n```\n", "other.py", True),
        ("## Tide\n```sh\npipe('x')\n```\n", "tide.py", False),
        ("## Tide\n```bibtex\n@a{\n```}\n\n```py\npipe('x')\n```\n", "tide.py", True),
        # Its section shows how another pipeline does.
        ("## Tide\n```py\npipe = StillPipeline.from_pretrained('a')\npipe('x')\n```\n", "tide.py", False),
    ],
)
def test_readme_sections(readme: str, name: str, hit: bool) -> None:
    assert (found(source(), readme, name) is not None) == hit


def test_example_of_its_own_comes_before_one_copied() -> None:
    copied = "pipe = StillPipeline.from_pretrained('s')\npipe('a', steps=1, image=None)"
    result = found(source(cls=f"\n```py\n{copied}\n```\n", constant=f"\n```py\n{RUN.format('mine')}\n```\n"))
    assert result is not None
    assert (result.source, result.model) == ("HOW_TO", "a/b")
    assert getattr(found(source(cls=f"\n```py\n{copied}\n```\n")), "loaded_as", "") == "StillPipeline"


def test_call_that_fits_the_signature_comes_before_one_that_does_not() -> None:
    method = "def __call__(self, prompt, depth):"
    stale = found(
        source(method=method, cls="\n```py\npipe('a', size=1, mood=2)\n```\n", constant="\n```\npipe('b', 2)\n```")
    )
    assert stale is not None
    assert stale.source == "HOW_TO"


def test_call_with_most_arguments() -> None:
    result = example("pipe('a')\nimages = pipe('b', steps=2, image=None).images\npipe('c', steps=1)")
    assert plain(result.positional[0]) == "b"


def test_methods_where_there_is_no_call() -> None:
    code = "pipe.to('cuda')\npipe.paint('a', size=2)\npipe._hidden(1, 2, 3)\npipe.enable_slicing(1, 2, 3)"
    result = found(source(method="def paint(self, prompt, size=1):", cls=f"\n```py\n{code}\n```\n"))
    assert result is not None
    assert (result.method, plain(result.arguments["size"])) == ("paint", 2)


@pytest.mark.parametrize(
    "code",
    [
        "tide = TidePipeline.from_pretrained('a/b').to('cuda')\ntide(x=1)",
        "p = DiffusionPipeline.from_pretrained(pretrained_model_name_or_path='a/b')\np = p.to('cuda')\np.__call__(x=1)",
        "name = 'a/' + 'b'\npipeline: object = StillPipeline.from_single_file(name)\nout = pipeline(x=1)[0]",
        "def make():\n    return TidePipeline.from_pretrained('a/b')\n\nmake()(x=1)\npipe = make()\npipe(x=1)",
        "def main(steps=1):\n    pipe = TidePipeline.from_pretrained('a/b')\n    pipe(x=steps)\n",
        "with torch.no_grad():\n    try:\n        my_pipe = TidePipeline.from_pretrained('a/b')\n        my_pipe(x=1)\n"
        "    finally:\n        pass",
        "first = TidePipeline.from_pretrained('a/b')\npipe_again(x=1)",
        "p = TidePipeline.from_pretrained('a/b')\nrun = lambda: 1\nfor step in range(1, 3):\n    p(x=step)",
    ],
)
def test_ways_to_call(code: str) -> None:
    result = example(code)
    assert (result.model, plain(result.arguments["x"])) == ("a/b", 1)


def test_other_libraries_pipelines_are_not_called() -> None:
    code = "from transformers import pipeline\ndepth = pipeline('depth')\nmap = depth(image, 1, 2, 3)\npipe('a')"
    assert example(code).positional == (ExampleValue("literal", "a"),)


def test_components() -> None:
    code = """
encoder = TinyTextEncoder.from_pretrained("c").to("cuda").eval()
pipe = TidePipeline.from_pretrained(
    "a", text_encoder=encoder, controlnet=[OneNet.from_pretrained("n"), TwoNet(3)], scheduler=SlowScheduler(),
    safety_checker=None, torch_dtype=torch.float16, variant="fp16",
)
pipe.scheduler = FastScheduler.from_config(pipe.scheduler.config)
pipe.vae = load()
pipe("x")
pipe.unet = LateUNet()
"""
    assert example(code).components == {
        "text_encoder": "TinyTextEncoder",
        "controlnet": "OneNet, TwoNet",
        "scheduler": "FastScheduler",
        "safety_checker": "None",
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("'a' 'b'", "ab"),
        ("-1.5", -1.5),
        ("2 * (3 + 1) // 3", 2),
        ("2 ** 5", 32),
        ("f'a cat'", "a cat"),
        ("n = 3\nf'{n} cats'", "3 cats"),
        ("'ab' * 2 + 'c'", "ababc"),
        ("not_known", "<unknown not_known>"),
        ("[1, 'a', None, True]", [1, "a", None, True]),
        ("((1, 2), {'k': [0.5]})", ((1, 2), {"k": [0.5]})),
        ("[0.5] * 3", [0.5, 0.5, 0.5]),
        ("[1] + [2]", [1, 2]),
        ("a, b = 1, 2\n[b, *[a]]", [2, 1]),
        ("d = {'a': 1}\nd['b'] = 2\n{**d, 'c': 3}", {"a": 1, "b": 2, "c": 3}),
        ("d = dict(a=1)\nd['a']", 1),
        ("boxes = [[2, 4], [6, 8]]\n[[n / 2 for n in box] for box in boxes]", [[1, 2], [3, 4]]),
        ("out = []\nfor n in (1, 2):\n    out.append(n)\nout", [1, 2]),
        ("for key, word in {'a': 'b'}.items():\n    last = word + key\nlast", "ba"),
        ("if cuda:\n    n = 1\nelse:\n    n = 2\nn", 1),
        ("n = 1\nn += 2\nn", 3),
        ("int('7')", 7),
        ("len([1, 2])", 2),
        ("'a,b'.split(',')", ["a", "b"]),
        ("', '.join(['a', 'b'])", "a, b"),
        ("1 if fast else 2", 1),
        ("parser.add_argument('--how-many', type=int, default=4)\nargs = parser.parse_args()\nargs.how_many", 4),
        ("float('nan')", "<unknown float('nan')>"),
        ("9" * 400, f"<unknown {'9' * 200}>"),
        ("1e999", "<unknown 1e999>"),
        ("10 ** 400", "<unknown 10 ** 400>"),
        ("1 / 0", "<unknown 1 / 0>"),
        ("b'x'", "<unknown b'x'>"),
        ("open('/etc/passwd').read()", "<unknown open('/etc/passwd').read()>"),
        ("__import__('os').getcwd()", "<unknown __import__('os').getcwd()>"),
    ],
)
def test_literals(code: str, expected: object) -> None:
    assert shown(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("load_image('u')", "<image>"),
        ("Image.open('f').convert('L').resize((32, 16))", "<image 32 16 L>"),
        ("PIL.Image.new('RGB', (8, 4))", "<image 8 4 RGB>"),
        ("download_image(url).resize(size=(8, 8))", "<image 8 8>"),
        ("image = load_image('u').resize((8, 4))\nimage.size", (8, 4)),
        ("image = load_image('u').resize((8, 4))\n[image.height, image.width]", [4, 8]),
        ("mask = load_image('u')\nmask", "<mask>"),
        ("[load_image(u) for u in ['a', 'b', 'c']]", ["<image>"] * 3),
        ("[Image.open(f'{n}.png') for n in range(2)]", ["<image>"] * 2),
        ("Image.fromarray(np.zeros((4, 8), dtype=np.uint8))", "<image 8 4 L>"),
        ("with Image.open('f') as opened:\n    x = opened\nx", "<image>"),
        ("np.array(Image.new('RGB', (8, 4)))", "<array 4 8 3 array>"),
        ("cv2.imread('f')", "<array imread>"),
        ("load_video('v.mp4')", "<video>"),
        ("pipe_a = APipeline.from_pretrained('a')\nfirst = pipe_a('p').images[0]\nfirst", "<image>"),
        ("openpose = OpenposeDetector.from_pretrained('o')\nopenpose(load_image('u'))", "<image>"),
        ("row = next(iter(ds))\nrow['audio']['array']", "<audio>"),
        ("torch.randn(1, 4, 8, 8)", "<tensor 1 4 8 8 randn>"),
        ("torch.rand((2, 3)).to('cuda')", "<tensor 2 3 rand>"),
        ("torch.zeros(size=[1, 77, 32], dtype=torch.float16)", "<tensor 1 77 32 zeros>"),
        ("torch.randint(0, 9, (2, 5))", "<tensor 2 5 randint>"),
        ("torch.randn(shape)", "<tensor randn>"),
        ("torch.ones(3, 8).unsqueeze(0) * 2 - 1", "<tensor 1 3 8 ones>"),
        ("torch.tensor([[1, 2], [3, 4]])", "<tensor 2 2 tensor>"),
        ("torch.from_numpy(np.ones((2, 2)))", "<tensor 2 2 from_numpy>"),
        ("transforms.ToTensor()(load_image('u'))", "<tensor ToTensor()>"),
        ("torch.Generator('cuda').manual_seed(5)", "<generator 5>"),
        ("torch.manual_seed(6)", "<generator 6>"),
        ("g = torch.Generator()\ng.manual_seed(7)\ng", "<generator 7>"),
        ("torch.device('cuda')", "<device cuda>"),
        ("torch.half", "<dtype float16>"),
        ("lambda step, t: None", "<callable lambda step, t: None>"),
        ("def after(step):\n    return step\nafter", "<callable after>"),
        ("{'images': [load_image('u')], 'n': 1}", {"images": ["<image>"], "n": 1}),
        ("CLIPModel.from_pretrained('c')", "<object c CLIPModel>"),
        ("def ready(image):\n    image = image.convert('L')\n    return image\n\nready(load_image('u'))", "<image L>"),
    ],
)
def test_kinds(code: str, expected: object) -> None:
    assert shown(code) == expected


def test_image_passed_as_a_mask_is_one() -> None:
    code = "image = load_image('u')\npipe('p', image, mask_image=image, masks=[image])"
    result = example(code)
    assert [plain(result.arguments[name]) for name in ("mask_image", "masks")] == ["<mask>", ["<mask>"]]
    assert {name: plain(item) for name, item in result.named(["prompt", "mask"]).items()} == {
        "prompt": "p",
        "mask": "<mask>",
        "mask_image": "<mask>",
        "masks": ["<mask>"],
    }


@pytest.mark.parametrize(
    "code",
    [
        "!pip install things\npipe('p', steps=2)",
        "pipe('p', steps=2)\nthen look at it, and it is fine",
        "x = (\npipe('p', steps=2)\n\nif:",
        "Prose first::\n\n    deeper prose\n        pipe('p', steps=2)\n",
        "# comment\nprint 'old'\n\npipe(\n    'p',\n    steps=2,\n)\n",
        ">>> a = 1\n1\n>>> pipe(\n...     'p',\n...     steps=2,\n... ).images[0]\nshown",
        ">>> pipe(\n    'p',\n    steps=2,\n).images[0]",
        ">>> def f():\n        return 1\n\n>>> pipe('p', steps=2)",
    ],
)
def test_what_parses_is_taken(code: str) -> None:
    assert {name: plain(item) for name, item in example(code).arguments.items()} == {"steps": 2}


@pytest.mark.parametrize(
    "text",
    [
        source(),
        source(cls="pipe is the thing (it is)."),
        source(cls="```py\nother(1)\n```"),
        "x = 1\n",
        "class A(DiffusionPipeline:\n",
        source(cls="pipe('x')") + "\nclass SecondPipeline(DiffusionPipeline):\n    pass\n",
    ],
)
def test_no_example(text: str) -> None:
    assert found(text) is None


def test_values_stay_small() -> None:
    code = (
        "s = 'x' * 9000\ns = s + s\na = [s] * 500\n"
        + "a = [a, a]\n" * 40
        + "pipe(s=s, n=[1] * 500, a=a, "
        + (", ".join(f"b{n}=[s] * 64" for n in range(60)) + ")")
    )
    result = example(code)
    assert len(str(result.arguments["s"].value)) == 2000
    assert len(result.arguments["n"].items) == 64
    assert result.arguments["a"].unknown
    assert len(json.dumps(result.to_object())) < 150_000


HOSTILE = {
    "brackets": "(" * 100_000,
    "operators": "-" * 100_000 + "1",
    "attributes": "a" + ".b" * 9000,
    "sums": "1" + "+1" * 9000,
    "doubling": "a=[1]\n" + "a=[a,a]\n" * 3000 + "pipe(a)",
    "strings": "a='x'*2000\n" + "a=a*2000+a\n" * 3000 + "pipe(a)",
    "loops": "".join("    " * n + f"for x{n} in range(64):\n" for n in range(30)) + "    " * 30 + "pipe(1)",
    "recursion": "def f(x): return f(f(f(x)))\npipe(f(1))",
    "prose": "word word\n" * 15_000,
    "prompts": ">>> x\n" * 20_000,
    "fences": "```\n" * 30_000,
    "branches": "if a: pass\n" + "elif b: pass\n" * 3000,
    "null": "pipe('\\x00')",
    "surrogate": "pipe('\\ud800')\npipe('\\\\ud800', n=1)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends(name: str) -> None:
    for result in (found(source(cls=f"\n{HOSTILE[name]}\n")), found(source(), f"# Tide\n```py\n{HOSTILE[name]}\n```")):
        if result is not None:
            assert example_from(json.loads(json.dumps(result.to_object(), allow_nan=False).encode())) == result


_PARTS = st.sampled_from(
    [
        "pipe(", ")", "image=", "load_image('u')", ".resize((8, 8))", "[", "]", "{", "}", "**", "*", ",", "x", " = ",
        "\n", "\n    ", "for i in ", "range(3)", ":", "if x:", "def f(a, *, b=1):", "return ", "lambda: ", "'a'", "1",
        "torch.randn(1, 2)", "-", "/", "%", ".to('cuda')", "[0]", "[:, None]", "f'{x}'", "pipe", ".scheduler", "(",
        "A.from_pretrained(", ">>> ", "... ", "```py\n", "```\n", "# Tide\n", "with ", " as ", "class A:", "x.append(",
        "yield ", "await ", "not ", "in ", "\t", "\x0c", "\\", '\\"', "é", "\u2028", "\ud800",
    ]
)  # fmt: skip
usual = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(usual, max_examples=700, phases=[Phase.explicit, Phase.generate])
@given(st.lists(_PARTS, max_size=40).map("".join) | st.text(max_size=100))
def test_any_text(code: str) -> None:
    code = code.replace('"', "'")
    readme = ("# Tide\n" + code).encode("utf-8", "replace")
    text = source(cls=code.encode("utf-8", "replace").decode() + "\npipe('x')")
    file = pipeline_file.read("tide.py", text.encode(), read_readmes=lambda: [("README.md", readme)])
    result = example_of(file)
    if result is not None:
        assert example_from(json.loads(json.dumps(result.to_object(), allow_nan=False).encode())) == result
        assert {item.kind for item in (*result.positional, *result.arguments.values())} <= KINDS


def test_readmes_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "README.md").write_text("secret")
    here = tmp_path / "here"
    here.mkdir()
    (here / "README.md").write_text("one")
    (here / "readme_more.md").write_text("two")
    (here / "notes.md").write_text("no")
    (here / "README_link.md").symlink_to(tmp_path / "secret" / "README.md")
    (here / "README_large.md").write_bytes(b"x" * 1_000_001)
    os.mkfifo(here / "README_pipe.md")
    submission = Submission(str(here / "tide.py"), b"", here)
    found = submission.read_readmes()
    assert set(found) <= {("README.md", b"one"), ("readme_more.md", b"two")}
    assert Submission("tide.py", b"", None).read_readmes() == []
    assert Submission("tide.py", b"", tmp_path / "nowhere").read_readmes() == []


def test_smoke_target_has_the_example_and_the_static_check_alone_does_not_look(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README)
    submission = Submission(str(tmp_path / "tide.py"), source().encode(), tmp_path)
    alone, with_smoke = (check_static(submission, resolve(), for_smoke=wanted).target for wanted in (False, True))
    assert alone is None
    assert with_smoke is not None
    assert with_smoke.example is not None
    assert with_smoke.example.model == "t"


@pytest.mark.parametrize("code", ["", "pipe('p', load_image('u').resize((8, 4)), x={1: torch.randn(2, 3)}, y=None)"])
def test_job_carries_the_example(code: str) -> None:
    carried = example(code) if code else None
    job = Job("/f.py", "f.py", "/s", Signature(()), Signature(None, "a.b"), (), "", "cpu", "auto", 1, example=carried)
    assert job_from(json.loads(json.dumps(job.to_object()))) == job
