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
from chainrule.app.options import read_kinds, read_pixels, read_rate, read_units
from chainrule.app.screen import Screen, note, note_warning
from chainrule.errors import ParameterError

app = typer.Typer(
    name="chainrule",
    help="Neural networks by backpropagation, from a raw table to a trained model.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Write one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Write the result alone.")]
ModelPath = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .chainrule file, or the folder of a run.")
]
SOURCE = "A CSV, TSV, JSON-lines, Parquet or Arrow file (text also as .gz), or sample:NAME; a "
SOURCE += "folder of pictures, or arrays of them; a .ts file of sequences; a text."


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


@app.command()
def train(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    target: Annotated[
        list[str] | None, typer.Option(help="The column to predict; may be repeated.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="binary, multiclass, regression, count, multilabel or multioutput; else found out."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Of the data: table, images, sequence or text; else found out."),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="LAYERS",
            help="As in 'conv 32, pool, dense 128', or a function as in my.py:build.",
        ),
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Units of the hidden layers, as in 64,64; none for none.")
    ] = None,
    activation: Annotated[str | None, typer.Option(help="Of the hidden layers, as relu.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Rate behind each hidden layer.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the rows.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without improvement before it stops; 0: no limit.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per step.")] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="Size of a step; find looks for one.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Decay of the weights.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adam, adamw, adamax, nadam, adagrad, rmsprop or sgd.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Drives everything random.")] = 0,
    validation: Annotated[float, typer.Option(help="Share of rows that watch.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of rows that score at the end.")] = 0.2,
    split: Annotated[
        str,
        typer.Option(
            help="auto, random, stratified, group:COLUMN, time:COLUMN or column:COLUMN.",
        ),
    ] = "auto",
    folds: Annotated[
        int | None,
        typer.Option(help="Test this many models, each on other rows, then train on all."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=KIND",
            help="numeric, categorical, boolean, date, text or drop, with details as in "
            "age=numeric:robust; may be repeated.",
        ),
    ] = None,
    scaling: Annotated[
        str, typer.Option(help="Of numbers: auto, standard, robust, quantile, asinh or ramps.")
    ] = "auto",
    target_scaling: Annotated[
        str, typer.Option(help="Of a number to predict: auto, standard, log or asinh.")
    ] = "auto",
    embed: Annotated[
        bool, typer.Option("--embed", help="Learn vectors for columns with many levels.")
    ] = False,
    size: Annotated[
        str | None, typer.Option(metavar="HEIGHTxWIDTH", help="Pixels of pictures, as in 32x32.")
    ] = None,
    fit: Annotated[
        str, typer.Option(help="Of pictures of another shape: crop, stretch or pad.")
    ] = "crop",
    labels: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Names files of pictures and their classes.")
    ] = None,
    unreadable: Annotated[
        str, typer.Option(help="Pictures that cannot be read: error or skip.")
    ] = "error",
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="Tells sequences apart.")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Orders the steps of sequences.")
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Steps of a sequence; of longer ones the end is taken.")
    ] = None,
    tokens: Annotated[
        str, typer.Option(help="Of a text: characters, subwords, or subwords:2000.")
    ] = "characters",
    context: Annotated[int, typer.Option(help="Tokens of a text that are seen at once.")] = 128,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the run; runs/NAME-TIME if not given.")
    ] = None,
    executor: Annotated[str, typer.Option(help="auto, native or numpy.")] = "auto",
    progress: Annotated[
        bool | None,
        typer.Option("--progress/--no-progress", help="Show a bar; by default on a terminal."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Train a network on a table, pictures, sequences or a text, and save it."""
    from chainrule.app.training import MediaWishes, Wishes, kind_of_source

    screen = Screen(json, quiet)
    shown: bool | str = "auto" if progress is None else progress
    shown = False if screen.silent and progress is None else shown
    asked = {
        "hidden": None if hidden is None else read_units(hidden),
        "activation": activation,
        "network": network,
        "dropout": dropout,
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "learning_rate": read_rate(learning_rate),
        "weight_decay": weight_decay,
        "optimizer": optimizer,
        "seed": seed,
        "executor": executor,
    }
    if (kind or kind_of_source(source)) == "text":
        if target:
            raise ParameterError("a text has no target: what is learnt is how it goes on")
        from chainrule.app.commands.text import train_text
        from chainrule.app.training.text import TextWishes

        about = TextWishes(tokens, context, validation, test, seed)
        return train_text(screen, source, about, asked, out, shown)
    from chainrule.app.commands.train import train as run

    return run(
        screen,
        source,
        target or [],
        Wishes(
            task=task,
            kinds=read_kinds(column or []),
            embed=embed,
            scaling=scaling,
            target_scaling=target_scaling,
            split=split,
            validation=validation,
            test=test,
            seed=seed,
        ),
        asked,
        folds,
        out,
        shown,
        kind,
        MediaWishes(
            size=None if size is None else read_pixels(size),
            fit=fit,
            labels=labels,
            unreadable=unreadable,
            id=id,
            time=time,
            length=length,
        ),
    )


@app.command()
def evaluate(
    model: ModelPath,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    quiet: Quiet = False,
    json: Json = False,
) -> ExitCode:
    """Score a model on a table that holds the answers."""
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
    """Predict every row of a table."""
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
