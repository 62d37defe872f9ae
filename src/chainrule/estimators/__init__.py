"""Estimators for scikit-learn's users: perceptrons that stand in for its own, and any network.

====================  ===============================================================
file                  idea
====================  ===============================================================
``classifier``        `MLPClassifier`
``regressor``         `MLPRegressor`
``perceptron``        what the two share: reading, `fit` in order, predicting
``settings``          from parameters to the pieces of training
``goals``             what scikit-learn's perceptrons make small
``design``            structure of a perceptron, and its loss as a traced function
``programs``          programs traced once for each structure and kept
``course``            a fit by minibatches, under scikit-learn's rules
``descent``           epochs forward, and back to where a rule said stop
``lbfgs``             a fit by L-BFGS
``solvers``           scikit-learn's "sgd" and "adam" as optimisers
``rows``              the order of rows, as scikit-learn draws it
``split``             rows to train on, rows to validate on
``target_scaling``    numbers to be predicted, brought near zero and back
``frames``            raw tables as inputs
``labels``            labels, one or any of several, as numbers and back
``gaps``              labels that are not there, or not of one kind
``seen``              names, ranges and shares of the rows of a fit
``content``           what a model file holds of a fitted estimator
``refitted``          ... and a fitted estimator made of it again
``class_weights``     what rows count, where classes have weights
``observers``         callbacks
``parameters``        parameters inside of parameters
``network``           what the estimators for any network share
``network_...``       `NetworkClassifier`, `NetworkRegressor`, `NetworkTransformer`
====================  ===============================================================
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.network_classifier import NetworkClassifier
from chainrule.estimators.network_regressor import NetworkRegressor
from chainrule.estimators.network_transformer import NetworkTransformer
from chainrule.estimators.regressor import MLPRegressor

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "NetworkTransformer",
]
