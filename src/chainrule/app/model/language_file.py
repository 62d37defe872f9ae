"""A language model as the contents of a model file, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.kinds import BATCH
from chainrule.app.model.language import TOKENS, LanguageModel, scoring_program
from chainrule.app.model.network import network_from_json, network_to_json
from chainrule.app.model.program import (
    UNSUITABLE,
    name_of,
    program_from_json,
    program_to_json,
)
from chainrule.app.model.weights import weights_of
from chainrule.data.language import tokenizer_from_dict
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.execute import numpy as numpy_executor
from chainrule.ir import ArrayType, Dim, Graph

Arrays = dict[str, NDArray[Any]]


def language_to_json(model: LanguageModel, arrays: Arrays) -> dict[str, Any]:
    """Give a language model as plain JSON values; `arrays` receives its weights and constants."""
    arrays |= model.weights
    return {
        "tokens": model.tokens.to_dict(),
        "program": program_to_json(model.program, arrays),
        "network": None if model.network is None else network_to_json(model.network),
        "report": dict(model.report),
    }


def language_from_json(fields: Fields, arrays: Arrays) -> LanguageModel:
    """Read what `language_to_json` gave.

    Raises
    ------
    ModelFileError
        If anything in it is not a language model that this version can run.
    """
    version = fields.text("chainrule")
    tokens = tokenizer_from_dict(fields.inner("tokens").stored)
    program = program_from_json(fields.inner("program").stored, arrays)
    report = dict(fields.inner("report").stored)
    stored = fields.optional_inner("network")
    fields.end()
    weights = _weights(program, tokens.size, arrays)
    network = None if stored is None else network_from_json(stored.stored, weights)
    model = LanguageModel(tokens, program, weights, network, report, version)
    try:
        row = np.zeros((1, model.context), np.int32)
        numpy_executor.run(program, [*weights.values(), row])
        if network is not None:
            traced = scoring_program(network, model.context)
            if [x.type for x in traced.inputs] != [x.type for x in program.inputs]:
                raise ModelFileError("network: its arrays are not those of the program")
    except (ChainruleError, *UNSUITABLE) as error:
        raise ModelFileError(f"its program or network does not run: {error}") from error
    return model


def _weights(program: Graph, count: int, arrays: Arrays) -> Arrays:
    """Match the program's inputs with the arrays, and its ends with tokens."""
    names = [name_of(program, x) for x in program.inputs]
    types = [x.type for x in program.inputs]
    ends = types[-1:] + [x.type for x in program.outputs]
    context = ends[0].shape[1] if ends and len(ends[0].shape) == 2 else 0
    row = (Dim(BATCH), context)
    wanted = [ArrayType(row, "int32"), ArrayType((*row, count), "float32")]
    if names[-1:] != [TOKENS] or not isinstance(context, int) or context < 1 or ends != wanted:
        raise ModelFileError("program: it does not score tokens")
    return weights_of(program, 1, arrays)
