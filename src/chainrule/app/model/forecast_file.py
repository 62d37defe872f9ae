"""A forecast model as the contents of a model file, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.forecast import WINDOW, ForecastModel, forecast_program
from chainrule.app.model.kinds import BATCH
from chainrule.app.model.network import network_from_json, network_to_json
from chainrule.app.model.program import (
    UNSUITABLE,
    name_of,
    program_from_json,
    program_to_json,
)
from chainrule.app.model.weights import weights_of
from chainrule.data.sequences import Outlook
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.execute import numpy as numpy_executor
from chainrule.ir import ArrayType, Dim, Graph

Arrays = dict[str, NDArray[Any]]


def forecast_to_json(model: ForecastModel, arrays: Arrays) -> dict[str, Any]:
    """Give a forecast model as plain JSON values; `arrays` receives its weights and constants."""
    arrays |= model.weights
    return {
        "outlook": model.outlook.to_dict(),
        "program": program_to_json(model.program, arrays),
        "network": None if model.network is None else network_to_json(model.network),
        "report": dict(model.report),
    }


def forecast_from_json(fields: Fields, arrays: Arrays) -> ForecastModel:
    """Read what `forecast_to_json` gave.

    Raises
    ------
    ModelFileError
        If anything in it is not a forecast model that this version can run.
    """
    version = fields.text("chainrule")
    outlook = Outlook.from_dict(fields.inner("outlook").stored)
    program = program_from_json(fields.inner("program").stored, arrays)
    report = dict(fields.inner("report").stored)
    stored = fields.optional_inner("network")
    fields.end()
    weights = _weights(program, outlook, arrays)
    network = None if stored is None else network_from_json(stored.stored, weights)
    try:
        window = np.zeros((1, outlook.look_back, len(outlook.channels)), np.float32)
        numpy_executor.run(program, [*weights.values(), window])
        if network is not None:
            traced = forecast_program(network, outlook)
            if [x.type for x in traced.inputs] != [x.type for x in program.inputs]:
                raise ModelFileError("network: its arrays are not those of the program")
    except (ChainruleError, *UNSUITABLE) as error:
        raise ModelFileError(f"its program or network does not run: {error}") from error
    return ForecastModel(outlook, program, weights, network, report, version)


def _weights(program: Graph, outlook: Outlook, arrays: Arrays) -> Arrays:
    """Match the program's inputs with the arrays, and its ends with the outlook."""
    names = [name_of(program, x) for x in program.inputs]
    types = [x.type for x in program.inputs]
    ends = types[-1:] + [x.type for x in program.outputs]
    seen = (Dim(BATCH), outlook.look_back, len(outlook.channels))
    given = (Dim(BATCH), outlook.horizon, outlook.targets)
    if names[-1:] != [WINDOW] or ends != [ArrayType(each, "float32") for each in (seen, given)]:
        raise ModelFileError("program: it does not forecast what the encoding says")
    return weights_of(program, 1, arrays)
