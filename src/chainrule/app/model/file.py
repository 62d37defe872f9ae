"""A whole model as one file, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.container import read_container, write_container
from chainrule.app.model.forecast import ForecastModel
from chainrule.app.model.forecast_file import forecast_from_json, forecast_to_json
from chainrule.app.model.kinds import (
    BATCH,
    TABLE,
    AnyEncoder,
    data_types,
    encoder_from_dict,
    kind_of,
)
from chainrule.app.model.language import LanguageModel
from chainrule.app.model.language_file import language_from_json, language_to_json
from chainrule.app.model.network import network_from_json, network_to_json
from chainrule.app.model.prediction import prediction_program
from chainrule.app.model.program import (
    UNSUITABLE,
    name_of,
    program_from_json,
    program_to_json,
)
from chainrule.app.model.trained import Model
from chainrule.app.model.weights import weights_of
from chainrule.data import TargetEncoder
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, DataError, ModelFileError, ParameterError
from chainrule.execute import numpy as numpy_executor
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.version import __version__

Arrays = dict[str, NDArray[Any]]

AnyModel = Model | LanguageModel | ForecastModel
"""What a model file may hold."""

FORMAT = 2
"""Version of the file's form; a reader refuses those that are newer."""

TABLE_FORMAT = 1
"""Version of a file that holds a model of tables, which older readers know."""

KIND, LANGUAGE = "chainrule model", "chainrule language model"
FORECAST = "chainrule forecast model"
NAME = "model.chainrule"
PARTS = ("encoder", "target", "shares", "program", "network", "report")


def save_model(
    model: AnyModel | object,
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model
        What to store: a model, or a fitted `MLPClassifier`, `MLPRegressor`, `NetworkClassifier` or
        `NetworkRegressor`. Its network is stored beside its program if all its layers are ours.
    path
        By custom it ends in ``.chainrule``.
    columns
        Names for the columns of X, where an estimator learnt from numbers without names; None
        calls them x0, x1, ...
    target
        Name or names of what an estimator predicts; None takes those that y had, or else y, or
        y0, y1, ...

    Raises
    ------
    DataError
        If the file cannot be written, or cannot hold such a model.

    Examples
    --------
    >>> import tempfile
    >>> from chainrule import MLPRegressor, load_estimator, load_model, save_model
    >>> line = MLPRegressor(activation="identity", solver="lbfgs", alpha=0.0, random_state=0)
    >>> line = line.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(line, f"{folder}/line.chainrule", columns=["x"])
    ...     again = load_estimator(f"{folder}/line.chainrule")
    ...     model = load_model(f"{folder}/line.chainrule")
    >>> again.predict([[1.5]]).round(2).tolist(), model.predict({"x": [1.5]}).round(2).tolist()
    ([4.0], [4.0])
    """
    arrays: Arrays = {}
    if not isinstance(model, AnyModel):
        model = _of_estimator(model, columns, target)
    elif columns is not None or target is not None:
        raise ParameterError("columns and target name those of an estimator: a model has names")
    if isinstance(model, LanguageModel):
        about = {"kind": LANGUAGE, "format": FORMAT, "chainrule": model.version}
        write_container(path, {**about, **language_to_json(model, arrays)}, arrays)
        return
    if isinstance(model, ForecastModel):
        about = {"kind": FORECAST, "format": FORMAT, "chainrule": model.version}
        write_container(path, {**about, **forecast_to_json(model, arrays)}, arrays)
        return
    arrays |= model.weights
    manifest = {
        "kind": KIND,
        "format": TABLE_FORMAT if kind_of(model.encoder) == TABLE else FORMAT,
        "chainrule": model.version,
        "encoder": model.encoder.to_dict(),
        "target": model.target.to_dict(),
        "shares": list(model.shares),
        "program": program_to_json(model.program, arrays),
        "network": None if model.network is None else network_to_json(model.network),
        "report": dict(model.report),
    }
    write_container(path, manifest, arrays)


def _of_estimator(
    estimator: object, columns: Sequence[str] | None, target: str | Sequence[str] | None
) -> Model:
    # Imported here because it loads scikit-learn, which predictions do without.
    from chainrule.app.model.estimator_file import is_estimator, model_of

    if not is_estimator(estimator):
        raise DataError(
            f"a model file cannot hold a {type(estimator).__name__}: it holds what chainrule "
            "trained, and a fitted MLPClassifier, MLPRegressor, NetworkClassifier or "
            "NetworkRegressor (which take raw tables, so that they need no pipeline)"
        )
    return model_of(estimator, columns=columns, target=target, version=__version__)


def load_estimator(path: str | os.PathLike[str]) -> Any:
    """Read a fitted estimator that `save_model` wrote; nothing in the file can run code.

    It predicts as the one that was saved and has its parameters and learnt attributes. Training
    that goes on (`partial_fit`, ``warm_start=True``) begins with a fresh state of the optimiser.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    ModelFileError
        As for `open_model`, and if it was not saved from an estimator, or has layers of a user's
        own.
    """
    from chainrule.app.model.estimator_file import estimator_from

    model = load_model(path)
    try:
        return estimator_from(model)
    except ModelFileError as error:
        raise ModelFileError(f"{str(path)!r}: {error}") from error


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model of tables, pictures or sequences; nothing in the file can run code.

    Parameters
    ----------
    path
        The file, or the folder of a run that holds ``model.chainrule``.

    Raises
    ------
    ModelFileError
        As for `open_model`, and if it is a language model or a forecast.
    """
    model = open_model(path)
    if isinstance(model, Model):
        return model
    if isinstance(model, ForecastModel):
        raise ModelFileError(
            f"{str(path)!r} is a forecast, which continues a series: chainrule predict does, and "
            "in Python chainrule.app.model.open_model"
        )
    raise ModelFileError(
        f"{str(path)!r} is a language model, which continues texts: chainrule generate does, and "
        "in Python chainrule.load_language_model"
    )


def load_language_model(path: str | os.PathLike[str]) -> LanguageModel:
    """Read a language model; nothing in the file can run code.

    Parameters
    ----------
    path
        The file, or the folder of a run that holds ``model.chainrule``.

    Raises
    ------
    ModelFileError
        As for `open_model`, and if it is no language model.
    """
    model = open_model(path)
    if isinstance(model, LanguageModel):
        return model
    names = model.outlook.names if isinstance(model, ForecastModel) else model.target.names
    predicts = ", ".join(map(repr, names))
    raise ModelFileError(
        f"{str(path)!r} is no language model: it predicts {predicts}; chainrule predict does that"
    )


def open_model(path: str | os.PathLike[str]) -> AnyModel:
    """Read a model of any kind from a file; nothing in the file can run code.

    Parameters
    ----------
    path
        The file, or the folder of a run that holds ``model.chainrule``.

    Raises
    ------
    ModelFileError
        If there is no such file, it is not a model file, it is damaged, or a newer version of
        chainrule made it.
    """
    folder = Path(path)
    if folder.is_dir():
        path = folder / NAME
        if not path.exists():
            raise ModelFileError(f"{str(folder)!r}: the folder holds no {NAME}")
    try:
        return _model(*read_container(path))
    except ChainruleError as error:
        raise ModelFileError(f"{str(path)!r}: {error}") from error
    except RecursionError as error:
        raise ModelFileError(f"{str(path)!r}: its parts are nested too deeply") from error


def _model(manifest: object, arrays: Arrays) -> AnyModel:
    # Kind and format come first: what follows may have another form in a newer file.
    fields = Fields(manifest, "manifest")
    kind = fields.choice("kind", (KIND, LANGUAGE, FORECAST))
    if (form := fields.whole("format")) > FORMAT:
        raise ModelFileError(
            f"it was made by a newer chainrule ({fields.text('chainrule')}, format {form}; this "
            f"version reads up to format {FORMAT}): upgrade chainrule"
        )
    if kind == LANGUAGE:
        return language_from_json(fields, arrays)
    if kind == FORECAST:
        return forecast_from_json(fields, arrays)
    version = fields.text("chainrule")
    inner = _parts(manifest)
    encoder = encoder_from_dict(inner["encoder"])
    target = TargetEncoder.from_dict(inner["target"])
    program = program_from_json(inner["program"], arrays)
    weights = _weights(program, encoder, target, arrays)
    network = None
    if inner["network"] is not None:
        network = network_from_json(inner["network"], weights)
    shares = fields.numbers("shares")
    # All rows may have a label, if they may have others beside it.
    whole = 1.0 if target.task == "multilabel" else None
    if len(shares) != len(target.classes) or any(not (0 < x < 1 or x == whole) for x in shares):
        raise ModelFileError("shares: expected a number between 0 and 1 for each class")
    model = Model(encoder, target, program, weights, network, shares, inner["report"], version)
    _try(model)
    return model


def _parts(manifest: Any) -> dict[str, Any]:
    wanted = {"kind", "format", "chainrule", *PARTS}
    if set(manifest) != wanted:
        raise ModelFileError(f"manifest: expected the fields {', '.join(sorted(wanted))}")
    if not isinstance(manifest["report"], dict):
        raise ModelFileError("report: expected an object")
    return {name: manifest[name] for name in PARTS}


def _weights(program: Graph, encoder: AnyEncoder, target: TargetEncoder, arrays: Arrays) -> Arrays:
    """Match the program's inputs with the arrays, and with what the encoder gives."""
    data = data_types(encoder)
    count = len(program.inputs) - len(data)
    names = [name_of(program, x) for x in program.inputs]
    types = [x.type for x in program.inputs]
    if names[max(count, 0) :] != [*data] or types[count:] != [*data.values()]:
        raise ModelFileError("program: its inputs are not what the encoding gives")
    weights = weights_of(program, len(data), arrays)
    rows = Dim(BATCH)
    columns = len(target.classes) or (target.outputs if target.task == "multioutput" else 0)
    shape = (rows, columns) if columns else (rows,)
    if len(program.outputs) != 1 or program.outputs[0].type not in (
        ArrayType(shape, "float32"),
        ArrayType(shape, "float64"),
    ):
        raise ModelFileError("program: its output is not what the target needs")
    return weights


def _try(model: Model) -> None:
    """Predict a row of zeros and trace the network: a file that loads is a file that works."""
    row = [np.zeros((1, *x.shape[1:]), x.dtype) for x in data_types(model.encoder).values()]
    try:
        numpy_executor.run(model.program, [*model.weights.values(), *row])
        if model.network is not None:
            traced = prediction_program(model.network, model.encoder, model.target)
            if [x.type for x in traced.inputs] != [x.type for x in model.program.inputs]:
                raise ModelFileError("network: its arrays are not those of the program")
    except (ChainruleError, *UNSUITABLE) as error:
        raise ModelFileError(f"its program or network does not run: {error}") from error
