"""Neural networks trained by backpropagation, from raw data to a deployed model.

Names are imported when they are first used, so that ``import chainrule`` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainrule.version import __version__

if TYPE_CHECKING:
    from chainrule import augment, losses, nn, numpy, optim, random, stop
    from chainrule.app.model import (
        LanguageModel,
        Model,
        load_estimator,
        load_language_model,
        load_model,
        save_model,
    )
    from chainrule.backprop import (
        check_gradients,
        checkpoint,
        custom_vjp,
        grad,
        hessian_vector_product,
        jvp,
        value_and_grad,
        vjp,
    )
    from chainrule.estimators import (
        MLPClassifier,
        MLPRegressor,
        NetworkClassifier,
        NetworkRegressor,
        NetworkTransformer,
    )
    from chainrule.execute import jit, trace
    from chainrule.execute.native.tune import tune
    from chainrule.explaining import (
        check_claims,
        derive,
        explain,
        find_learning_rate,
        find_nonfinite,
        gradient_flow,
        loss_along_gradient,
        loss_over_weight,
        loss_surface,
    )
    from chainrule.ir import ArrayType, Dim
    from chainrule.nn import summary
    from chainrule.tracing import scan, tap, taps
    from chainrule.train import Trainer

_HOMES = {
    "chainrule.app.model": (
        "LanguageModel",
        "Model",
        "load_estimator",
        "load_language_model",
        "load_model",
        "save_model",
    ),
    "chainrule.backprop": (
        "check_gradients",
        "checkpoint",
        "custom_vjp",
        "grad",
        "hessian_vector_product",
        "jvp",
        "value_and_grad",
        "vjp",
    ),
    "chainrule.estimators": (
        "MLPClassifier",
        "MLPRegressor",
        "NetworkClassifier",
        "NetworkRegressor",
        "NetworkTransformer",
    ),
    "chainrule.execute": ("jit", "trace"),
    "chainrule.execute.native.tune": ("tune",),
    "chainrule.explaining": (
        "check_claims",
        "derive",
        "explain",
        "find_learning_rate",
        "find_nonfinite",
        "gradient_flow",
        "loss_along_gradient",
        "loss_over_weight",
        "loss_surface",
    ),
    "chainrule.ir": ("ArrayType", "Dim"),
    "chainrule.nn": ("summary",),
    "chainrule.tracing": ("scan", "tap", "taps"),
    "chainrule.train": ("Trainer",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("augment", "errors", "losses", "nn", "numpy", "optim", "random", "stop")

__all__ = [
    "ArrayType",
    "Dim",
    "LanguageModel",
    "MLPClassifier",
    "MLPRegressor",
    "Model",
    "NetworkClassifier",
    "NetworkRegressor",
    "NetworkTransformer",
    "Trainer",
    "__version__",
    "augment",
    "check_claims",
    "check_gradients",
    "checkpoint",
    "custom_vjp",
    "derive",
    "explain",
    "find_learning_rate",
    "find_nonfinite",
    "grad",
    "gradient_flow",
    "hessian_vector_product",
    "jit",
    "jvp",
    "load_estimator",
    "load_language_model",
    "load_model",
    "loss_along_gradient",
    "loss_over_weight",
    "loss_surface",
    "losses",
    "nn",
    "numpy",
    "optim",
    "random",
    "save_model",
    "scan",
    "stop",
    "summary",
    "tap",
    "taps",
    "trace",
    "tune",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
