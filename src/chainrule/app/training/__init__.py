"""From a raw table to a trained model, in the order in which it happens.

=================  ==================================================================
file               idea
=================  ==================================================================
``preparation``    read, type, split and encode a table
``settings``       choose network, optimiser and length of training by the table's size
``fitting``        train, score beside the baseline, and make the model
``folding``        a model for each fold, and one of all rows
``runs``           the folder that a run leaves behind
=================  ==================================================================
"""

from chainrule.app.training.fitting import Outcome, fit
from chainrule.app.training.folding import Fold, fit_folds, with_folds
from chainrule.app.training.preparation import Opened, Prepared, Wishes, open_table, prepare
from chainrule.app.training.settings import Settings, choose_settings

__all__ = [
    "Fold",
    "Opened",
    "Outcome",
    "Prepared",
    "Settings",
    "Wishes",
    "choose_settings",
    "fit",
    "fit_folds",
    "open_table",
    "prepare",
    "with_folds",
]
