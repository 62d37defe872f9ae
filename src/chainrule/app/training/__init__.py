"""From a raw table to a trained model, in the order in which it happens.

=================  ==================================================================
file               idea
=================  ==================================================================
``preparation``    read, type, split and encode a table
``settings``       choose network, optimiser and length of training by the table's size
``fitting``        train, score beside the baseline, and make the model
``runs``           the folder that a run leaves behind
=================  ==================================================================
"""

from chainrule.app.training.fitting import Outcome, fit
from chainrule.app.training.preparation import Prepared, prepare
from chainrule.app.training.settings import Settings, choose_settings

__all__ = ["Outcome", "Prepared", "Settings", "choose_settings", "fit", "prepare"]
