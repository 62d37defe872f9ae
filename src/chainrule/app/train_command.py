"""``chainrule train``: its options, and the kind of data that decides what is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.app.failures import ExitCode
from chainrule.app.options import (
    SOURCE,
    Json,
    Quiet,
    read_kinds,
    read_pixels,
    read_rate,
    read_units,
    refuse_foreign,
)
from chainrule.app.screen import Screen
from chainrule.errors import ParameterError


def train(
    given: typer.Context,
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
        typer.Option(
            help="Of the data: table, images, sequence, forecast or text; else found out."
        ),
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
        str | None,
        typer.Option(
            help="adam, adamw, adamax, nadam, adagrad, adadelta, rmsprop, lion, muon or sgd."
        ),
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
        bool | None,
        typer.Option(
            "--embed/--no-embed",
            help="Learn vectors for columns with many levels; by default with more than 256.",
        ),
    ] = None,
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
        str | None,
        typer.Option(metavar="COLUMN", help="Orders the steps of sequences or of a forecast."),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Steps of a sequence; of longer ones the end is taken.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Rows that are forecast; a season if not given.")
    ] = None,
    look_back: Annotated[
        int | None, typer.Option(help="Rows that a forecast sees; by the step if not given.")
    ] = None,
    season: Annotated[
        int | None, typer.Option(help="Rows after which a series is about the same again.")
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
    found = kind or kind_of_source(source)
    refuse_foreign(given, found)
    if found == "text":
        if target:
            raise ParameterError("a text has no target: what is learnt is how it goes on")
        from chainrule.app.commands.text import train_text
        from chainrule.app.training.text import TextWishes

        about = TextWishes(tokens, context, validation, test, seed)
        return train_text(screen, source, about, asked, out, shown)
    if found == "forecast":
        from chainrule.app.commands.forecast import train_forecast
        from chainrule.app.training.forecast import ForecastWishes

        ahead = ForecastWishes(time, horizon, look_back, season, validation, test, seed)
        return train_forecast(screen, source, target or [], ahead, asked, out, shown)
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
