"""The command line: reads arguments, and leaves the work to `chainrule.app.commands`.

Everything heavy is imported inside of the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from chainrule import __version__
from chainrule.app.failures import ExitCode
from chainrule.app.failures import explain as explain_failure
from chainrule.app.options import SOURCE, Json, ModelPath, Quiet
from chainrule.app.screen import Screen, note, note_warning
from chainrule.app.train_command import train

app = typer.Typer(
    name="chainrule",
    help="Neural networks by backpropagation, from a raw table to a trained model.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> int:
    """Run the command line; give the exit code."""
    warnings.showwarning = note_warning
    try:
        arguments = sys.argv[1:] or ["--help"]
        code = app(arguments, prog_name="chainrule", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        note(f"{_said(error)} (chainrule --help shows how to call it)")
        return ExitCode.USAGE
    except (BrokenPipeError, SystemExit):
        # The reader has left, which typer turns into SystemExit; without the next line, Python
        # would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PIPE
    except typer.Abort:
        code = int(ExitCode.INTERRUPTED)
    except Exception as error:
        sentence, code = explain_failure(error)
        note(sentence)
        return code
    if isinstance(code, ExitCode):
        return code
    if code == ExitCode.INTERRUPTED:
        # The command did not come to an end of its own: this is Ctrl-C, which typer has caught.
        note("interrupted; nothing was written")
    return code if isinstance(code, int) else ExitCode.OK


def _said(error: typer.TyperException) -> str:
    message = getattr(error, "format_message", error.__str__)()
    return " ".join(str(message).split()).rstrip(".")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def chainrule(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Neural networks by backpropagation, from a raw table to a trained model."""


app.command()(train)


@app.command()
def evaluate(
    model: ModelPath,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Score a model on a table, pictures, sequences or a text that hold the answers."""
    from chainrule.app.commands.evaluate import evaluate as run

    return run(Screen(json, quiet), model, source)


@app.command()
def predict(
    model: ModelPath,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; its ending chooses the format."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    only: Annotated[
        bool, typer.Option("--only", help="Leave out the columns of the input.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Predict every row of a table, every picture, sequence, or line of a text."""
    from chainrule.app.commands.predict import predict as run

    return run(Screen(json, quiet), model, source, out, proba, only)


@app.command()
def generate(
    model: ModelPath,
    prompt: Annotated[str, typer.Argument(help="How the text begins; - reads standard input.")],
    length: Annotated[int, typer.Option(help="Tokens to add.")] = 300,
    temperature: Annotated[
        float, typer.Option(help="Below 1 the text is more predictable; 0 takes the likeliest.")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many likely tokens.")] = None,
    top_p: Annotated[
        float, typer.Option(help="Draw from the likeliest tokens that reach this probability.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same text.")] = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Continue a text with a language model."""
    from chainrule.app.commands.text import generate as run
    from chainrule.app.model import Sampling

    sampling = Sampling(temperature, top_k, top_p)
    return run(Screen(json, quiet), model, prompt, length, sampling, seed)


@app.command()
def show(model: ModelPath, quiet: Quiet = False, json: Json = False) -> ExitCode:
    """Show what is in a model: columns, layers, the program and its plan."""
    from chainrule.app.commands.show import show as run

    return run(Screen(json, quiet), model)


Format = Annotated[
    str | None,
    typer.Option("--format", help="text, html or json (derive: latex, mathml too)."),
]
Opened = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A .chainrule file, sample:NAME, example:e1 to e6, or a table."
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The file to write; its ending chooses the format."),
]


@app.command()
def derive(
    model: Opened,
    loss: Annotated[str | None, typer.Option(help="Such as squared_error.")] = None,
    language: Format = None,
    out: OutFile = None,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Print the backward pass of a network as equations, from the rules that run."""
    from chainrule.app.commands.derive import derive as run

    return run(Screen(json, quiet), model, loss, language, out)


@app.command()
def explain(
    model: Opened,
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Rows for the model; see SOURCE.")
    ] = None,
    row: Annotated[
        list[int] | None, typer.Option(help="A row of the batch, from 1; may be repeated.")
    ] = None,
    step: Annotated[int, typer.Option(help="Steps of training made before.")] = 0,
    target: Annotated[
        str | None, typer.Option(help="The column to predict, of a table without a model.")
    ] = None,
    loss: Annotated[str | None, typer.Option(help="Such as squared_error.")] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(help="sgd, momentum, nesterov, rmsprop, adagrad, adam or adamw."),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Size of the step.")] = None,
    language: Format = None,
    out: OutFile = None,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Take one step of training apart: forward, loss, backward, update, with every number."""
    from chainrule.app.commands.explain import explain as run

    return run(
        Screen(json, quiet),
        (model, table, target),
        row or [],
        step,
        {"loss": loss, "optimiser": optimizer, "rate": learning_rate},
        language,
        out,
    )


@app.command()
def check(
    where: Annotated[
        str,
        typer.Argument(metavar="FILE.py:NAME", help="Your module or function; runs your code."),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="SHAPE",
            help="Of each argument: 4x3, number, or int:8:5 for 8 whole numbers below 5.",
        ),
    ] = None,
    order: Annotated[int, typer.Option(help="1: gradients; 2: also their derivatives.")] = 2,
    directions: Annotated[int, typer.Option(help="Random directions to try.")] = 3,
    seed: Annotated[int, typer.Option(help="Of weights, inputs and directions.")] = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Compare the gradients of your own network or function with finite differences."""
    from chainrule.app.commands.check import check as run

    return run(Screen(json, quiet), where, inputs or [], order, directions, seed)


@app.command()
def claims(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A TOML file, or example:E1 to example:E5.")
    ],
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Check printed numbers of a worked example, and look for the cause of wrong ones."""
    from chainrule.app.commands.claims import claims as run

    return run(Screen(json, quiet), source)


@app.command()
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove them; they are made anew.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Say how much room compiled programs take on disk, and where; or remove them."""
    from chainrule.app.commands.cache import cache as run

    return run(Screen(json, quiet), clear)


@app.command()
def tune(quiet: Quiet = False, json: Json = False) -> ExitCode:
    """Measure how this processor multiplies matrices fastest, and keep it for programs to come."""
    from chainrule.app.commands.tune import tune as run

    return run(Screen(json, quiet))


@app.command("open")
def open_page(
    model: Annotated[
        str,
        typer.Argument(
            metavar="[MODEL]", help="A .chainrule file, sample:NAME, example:e1 to e6, or a table."
        ),
    ] = "example:e1",
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Rows for the model; see SOURCE.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The column to predict, of a table without a model.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; by default only this machine can reach it.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="The port; the first free one from 8420 if not given.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> ExitCode:
    """Watch backpropagation work, in a page on this machine."""
    from chainrule.app.commands.open import open_page as run

    return run(Screen(), model, table, target, host, port, browser)
