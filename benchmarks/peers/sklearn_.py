"""scikit-learn's MLPClassifier, an epoch per ``partial_fit``, without its penalty."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.session import Predict, Session, Unsupported
from benchmarks.workloads import Data, Integers, Weights, Workload


def prepare(workload: Workload, data: Data, threads: int) -> Session:
    """Set up the network."""
    if workload.loss == "squared":
        raise Unsupported("scikit-learn has no squared loss behind a sigmoid output")
    return Classifier(workload, data)


def predictor(workload: Workload, data: Data, threads: int) -> Predict:
    """Set up the network; ``predict_proba`` is what a user calls."""
    labels = np.arange(workload.batch) % workload.sizes[-1]
    X = np.zeros((workload.batch, workload.sizes[0]), workload.dtype)
    predict: Predict = Classifier(workload, Data(X, labels)).model.predict_proba
    return predict


class Classifier:
    """A classifier that starts from the given weights and sees the given batches."""

    def __init__(self, workload: Workload, data: Data) -> None:
        self.data = data
        self.two = workload.sizes[-1] == 2
        self.note = "one logistic output instead of two" if self.two else ""
        self.model = MLPClassifier(
            workload.sizes[1:-1],
            activation=workload.activation,
            solver=workload.optimiser,
            alpha=0.0,
            batch_size=workload.batch,
            learning_rate_init=workload.rate,
            shuffle=False,  # the rows come shuffled
            random_state=0,
        )
        # A first epoch lays everything out; then weights and optimiser start afresh.
        few = slice(0, workload.batch)
        self.model.partial_fit(data.X[few], data.y[few], classes=np.arange(workload.sizes[-1]))
        for layer, (weight, bias) in enumerate(workload.weights()):
            if self.two and layer == len(workload.sizes) - 2:
                # softmax(a, b) is (1 - s, s) with s the sigmoid of b - a.
                weight, bias = np.diff(weight, axis=1), np.diff(bias)
            self.model.coefs_[layer][...] = weight
            self.model.intercepts_[layer][...] = bias
        del self.model._optimizer

    def train(self, orders: Integers) -> None:
        """Train epochs."""
        X, y = self.data.X, self.data.y
        for order in orders:
            self.model.partial_fit(X[order], y[order])

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        layers = list(zip(self.model.coefs_, self.model.intercepts_, strict=True))
        if self.two:
            weight, bias = layers[-1]
            layers[-1] = (
                np.concatenate([np.zeros_like(weight), weight], axis=1),
                np.concatenate([np.zeros_like(bias), bias]),
            )
        return layers
