"""The command `cpipe-check`."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from cpipe_check import __version__
from cpipe_check.cli_parts import Unserved, explained, reference_directory, selection_over
from cpipe_check.sandbox.modes import MODES
from cpipe_check.selection import FAIL_ON, FailOn
from cpipe_check.size import MOST_OWN, size_from, size_text
from cpipe_check.text import clean_line, inert_in_logs

INTERRUPTED = 130
# The names of `report.RENDERERS`, which takes longer to import than `--help` may.
FORMATS = ("text", "json", "html", "markdown", "github", "sarif")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_EPILOG = """\b
Exit codes:
  0    nothing found
  1    findings (see --fail-on), a smoke-load that failed, or changes that --diff shows
  2    wrong usage, or a path that cannot be checked or fixed
  3    something asked for could not be done (a sandbox, a device or a reference that is missing, a crash)
  130  interrupted
"""


def _check_device(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _DEVICE.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a device; use auto, cpu, cuda, cuda:N or mps")
    return value


def _check_size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    """Return the bytes, 0 when there is no such option."""
    size = size_from(value or "0")
    if size is None or (value and not 0 < size <= MOST_OWN):
        raise click.BadParameter(f"{value!r} is no size; write 500MB, and at most {size_text(MOST_OWN)}")
    return size


def _check_jobs(_context: click.Context, _parameter: click.Parameter, value: str) -> int:
    """Return the number of jobs, 0 for "auto"."""
    if value == "auto":
        return 0
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise click.BadParameter(f"{value!r} is no number of jobs; use 1, 2, 3 ... or auto")
    return int(value)


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--static", is_flag=True, help="Only the static check: run nothing of the file.")
@click.option(
    "--thorough", is_flag=True, help="Try from_pipe, offloading, half precision, callbacks and output types too."
)
@click.option("--reference", metavar="DIR_OR_REPO_ID", help="Smoke-load against this model, not a tiny one made here.")
@click.option(
    "--own-weights",
    callback=_check_size,
    metavar="SIZE",
    help="Smoke-load a hub: repository against its own model, where its safetensors take at most so much: 500MB, or "
    "2GB, the most that there can be.",
)
@click.option(
    "--device",
    callback=_check_device,
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="auto, cpu, cuda, cuda:N or mps.",
)
@click.option(
    "--dtype", type=click.Choice(["auto", "float32", "float16", "bfloat16"]), default="auto", show_default=True
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help="Seconds for one file's load and call, and for its reload.",
)
@click.option(
    "-j",
    "--jobs",
    callback=_check_jobs,
    default="auto",
    show_default=True,
    metavar="N",
    help="Files to smoke-load side by side, each in a sandbox of its own. auto: as the processors, the memory and the "
    "number of files suggest; 1 on a GPU.",
)
@click.option(
    "--isolation",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="The sandbox of the smoke-load. auto takes the strongest that is proven, strict (the default where CI is set) "
    "demands all that a sandbox can hold, none runs the file with all your rights.",
)
@click.option("--i-trust-this-file", "trusted", is_flag=True, help="What `--isolation none` asks for.")
@click.option(
    "--diffusers",
    metavar="SPEC",
    help="The release to judge by: a version, a set such as '>=0.30', latest (the installed one, else the newest "
    "known), or source:PATH for a checkout. Default: latest.",
)
@click.option("--transformers", metavar="SPEC", help="The same, without source:PATH.")
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here.")
@click.option("--stdin-filename", default="stdin.py", show_default=True, help="The name of what `-` reads.")
@click.option("--fix", is_flag=True, help="Make the fixes that findings marked [*] carry, then check what came of it.")
@click.option(
    "--diff", is_flag=True, help="Show what --fix would change, and change nothing; 1 when that is something."
)
@click.option(
    "--select", multiple=True, metavar="CODES", help="Only these rules: codes or their beginnings, such as CP3,CP402."
)
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules. The longest beginning decides.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="Exit with 1 for errors only, for warnings too (the default), or never. A failed smoke-load is an error.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even when something is found.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no report in text when nothing is found.")
@click.option("--new", type=click.Path(path_type=Path), metavar="FILE", help="Write a starter pipeline and exit.")
@click.option("--explain", metavar="CODE", help="Show a rule's documentation and exit.")
@click.option("--doctor", is_flag=True, help="Show versions, devices and which sandboxes are proven here, and exit.")
@click.version_option(__version__, prog_name="cpipe-check")
def command(
    paths: tuple[str, ...],
    static: bool,
    thorough: bool,
    reference: str | None,
    own_weights: int,
    device: str,
    dtype: str,
    timeout: float,
    jobs: int,
    isolation: str,
    trusted: bool,
    diffusers: str | None,
    transformers: str | None,
    output_format: str,
    output_file: Path | None,
    stdin_filename: str,
    fix: bool,
    diff: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: FailOn | None,
    exit_zero: bool,
    quiet: bool,
    new: Path | None,
    explain: str | None,
    doctor: bool,
) -> int:
    """Tell whether diffusers community pipelines will load, save and run.

    PATH is a pipeline file, a directory with pipeline files, a directory laid out as a Hub repository, `-` for standard
    input, hub:OWNER/NAME[@REVISION] for a repository on the Hub, or community:NAME[@VERSION] for a pipeline of the
    mirror that diffusers itself loads from. Each file is checked without running it, then loaded, called, saved and
    reloaded for real in a sandbox, against a tiny reference model.
    """
    if new is not None:
        from cpipe_check.starter import write_starter

        click.echo(write_starter(new))
        return 0
    if explain is not None:
        click.echo(explained(explain), nl=False)
        return 0
    if doctor:
        from cpipe_check.doctor import examine

        for line in examine():
            click.echo(line)
        return 0
    if not paths:
        raise click.UsageError("no PATH given; try `cpipe-check my_pipeline.py`, or `cpipe-check --new my_pipeline.py`")
    if fix and diff:
        raise click.UsageError("--fix changes files and --diff changes none; give one of them")
    from cpipe_check.api_index import ApiIndexError
    from cpipe_check.api_index.target import resolve
    from cpipe_check.checker import check
    from cpipe_check.cli_paths import gathered
    from cpipe_check.config import ConfigError, read_config
    from cpipe_check.progress import Spinner
    from cpipe_check.report import RENDERERS
    from cpipe_check.smoke.run import SmokeOptions
    from cpipe_check.submission import MAX_BYTES

    try:
        config = read_config(Path.cwd())
        target = resolve(
            config.diffusers if diffusers is None else diffusers,
            config.transformers if transformers is None else transformers,
        )
    except (ApiIndexError, ConfigError) as error:
        raise click.ClickException(str(error)) from None
    selection = selection_over(config.selection, select, ignore, fail_on)
    options = None
    if not static:
        options = SmokeOptions(
            reference_directory(reference, quiet, own_weights),
            device,
            dtype,
            timeout,
            isolation=isolation,
            trusted=trusted,
            thorough=thorough,
            jobs=jobs,
        )
    stdin = sys.stdin.buffer.read(MAX_BYTES + 1) if "-" in paths else b""
    own = 0 if diff else own_weights
    collection, options = gathered(paths, stdin, stdin_filename, options, own, fix=fix, quiet=quiet)
    if fix or diff:
        from cpipe_check.cli_fix import make_fixes, show_diff
        from cpipe_check.fix_files import fix_all

        fixes = fix_all(collection.submissions, target, config.recipes, selection)
        if diff:
            code = show_diff(collection, fixes, quiet)
            return 0 if exit_zero and code == 1 else code
        collection = make_fixes(collection, fixes, quiet)
    with Spinner(quiet=quiet) as spinner:
        report = check(collection, options, spinner.tell, target, config.recipes, selection)
    for problem in report.problems:
        _complain(problem)
    # With --fix, standard output is for the fixed source of what came from standard input.
    aside = fix and "-" in paths
    colour = output_file is None and (sys.stderr if aside else sys.stdout).isatty() and "NO_COLOR" not in os.environ
    if not (quiet and output_format == "text" and report.exit_code == 0 and not any(f.failed for f in report.files)):
        _write(RENDERERS[output_format](report, colour), output_file, colour, aside)
    return 0 if exit_zero and report.exit_code == 1 else report.exit_code


def _write(text: str, output_file: Path | None, colour: bool, aside: bool) -> None:
    if output_file is None:
        click.echo(text, nl=False, color=colour, err=aside)
        return
    try:
        output_file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output_file), error.strerror or "cannot be written") from None


def _complain(text: str) -> None:
    click.echo(inert_in_logs(f"cpipe-check: {clean_line(text)}"), err=True)


def _on_terminate(_signal: int, _frame: FrameType | None) -> None:
    # The same way out as Ctrl-C: the child is killed and the scratch directory removed.
    raise KeyboardInterrupt


def main() -> None:
    """Run the command; end with an exit code and one line, never with a traceback."""
    signal.signal(signal.SIGTERM, _on_terminate)
    try:
        sys.exit(command.main(standalone_mode=False))
    except click.UsageError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        _complain(error.format_message())
        code = 3 if isinstance(error, Unserved) else 2
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, `head` for one.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        _complain(f"internal error: {type(error).__name__}: {clean_line(str(error), 300)}; please report it")
        code = 3
    sys.exit(code)
