"""From raw data to a trained model, in the order in which it happens.

=================  ==================================================================
file               idea
=================  ==================================================================
``preparation``    read, type, split and encode a table
``media``          the same for pictures and sequences; which kind of data a place holds
``architecture/``  networks described in words or in a Python file
``settings``       choose network, optimiser and length of training by the table's size
``fitting``        train, score beside the baseline, and make the model
``forecast``       a series: windows of the past, what follows them, and guesses beside it
``text``           a text: tokens, stretches, and the counts of pairs beside it
``folding``        a model for each fold, and one of all rows
``runs``           the folder that a run leaves behind
=================  ==================================================================
"""

from chainrule.app.training.fitting import Outcome, fit
from chainrule.app.training.folding import Fold, fit_folds, with_folds
from chainrule.app.training.media import (
    KINDS,
    MediaWishes,
    kind_of_source,
    open_examples,
)
from chainrule.app.training.preparation import Opened, Prepared, Wishes, open_table, prepare
from chainrule.app.training.settings import Settings, choose_settings

__all__ = [
    "KINDS",
    "Fold",
    "MediaWishes",
    "Opened",
    "Outcome",
    "Prepared",
    "Settings",
    "Wishes",
    "choose_settings",
    "fit",
    "fit_folds",
    "kind_of_source",
    "open_examples",
    "open_table",
    "prepare",
    "with_folds",
]
