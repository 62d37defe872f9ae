"""A trained model, and the one ``.chainrule`` file that holds all that its predictions need.

=================  ==================================================================
file               idea
=================  ==================================================================
``trained``        a model: examples in, predictions and scores out
``kinds``          what differs between tables, pictures and sequences
``sequence_network``  the network of padded sequences
``table_network``  the network of a table with embedded columns
``scoring``        predictions beside the truth, and beside a guess
``prediction``     the program that predicts, run on blocks of rows
``language``       a language model: texts in, their likelihood and continuation out
``writing``        a language model that reads one token at a time
``sampling``       which token comes next
``forecast``       a forecast: the last rows of a series in, the next ones out
``forecast_network``  the network of forecasts
``file``           a model as one file, and back
``language_file``  ... a language model
``forecast_file``  ... a forecast
``estimator_file``  ... an estimator for scikit-learn's users
``weights``        the arrays of a file, matched with its program
``container``      a zip archive with a manifest and arrays
``program``        a program as JSON, and back
``network``        a network as JSON, and back
=================  ==================================================================

Opening a file runs no code from it: it is JSON and arrays of numbers. Operations and layers are
looked up by name among ours, the types of all values are derived anew by the rules of the op
cards, and sizes are bounded.
"""

from chainrule.app.model.file import (
    FORMAT,
    AnyModel,
    load_estimator,
    load_language_model,
    load_model,
    open_model,
    save_model,
)
from chainrule.app.model.forecast import ForecastModel
from chainrule.app.model.language import LanguageModel
from chainrule.app.model.sampling import Sampling
from chainrule.app.model.scoring import Predictions, compare, guess
from chainrule.app.model.table_network import table_network
from chainrule.app.model.trained import Model

__all__ = [
    "FORMAT",
    "AnyModel",
    "ForecastModel",
    "LanguageModel",
    "Model",
    "Predictions",
    "Sampling",
    "compare",
    "guess",
    "load_estimator",
    "load_language_model",
    "load_model",
    "open_model",
    "save_model",
    "table_network",
]
