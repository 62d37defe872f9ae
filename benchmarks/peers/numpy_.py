"""NumPy by hand: the formulas written out, as in a textbook, and nothing done twice."""

from __future__ import annotations

import numpy as np

from benchmarks.session import Predict, Session
from benchmarks.workloads import Data, Floats, Integers, Weights, Workload


def prepare(workload: Workload, data: Data, threads: int) -> Session:
    """Set up the network."""
    return ByHand(workload, data)


def predictor(workload: Workload, data: Data, threads: int) -> Predict:
    """Set up the network's forward half, with a softmax."""
    *hidden, (last, last_bias) = workload.weights()

    def predict(X: Floats) -> Floats:
        values = X
        for weight, bias in hidden:
            values = values @ weight
            values += bias
            np.maximum(values, 0, out=values)
        output = values @ last
        output += last_bias
        output -= output.max(axis=1, keepdims=True)
        np.exp(output, out=output)
        output /= output.sum(axis=1, keepdims=True)
        return output

    return predict


class ByHand:
    """A network, its gradients and its update in NumPy."""

    note = ""

    def __init__(self, workload: Workload, data: Data) -> None:
        self.workload = workload
        self.data = data
        self.parameters = [array for layer in workload.weights() for array in layer]
        self.first = [np.zeros_like(array) for array in self.parameters]
        self.second = [np.zeros_like(array) for array in self.parameters]
        self.steps = 0

    def train(self, orders: Integers) -> None:
        """Train epochs."""
        size = self.workload.batch
        update = self.adam if self.workload.optimiser == "adam" else self.descend
        X, y = self.data.X, self.data.y
        if self.workload.full:
            for _ in orders:
                update(self.gradients(X, y))
            return
        for order in orders:
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                update(self.gradients(X[rows], y[rows]))

    def gradients(self, X: Floats, y: np.ndarray) -> list[Floats]:
        """Forward and backward over one batch; the gradients in the order of the parameters."""
        parameters, workload = self.parameters, self.workload
        layers = len(parameters) // 2
        values: list[Floats] = [X]
        for layer in range(layers):
            z: Floats = values[-1] @ parameters[2 * layer]
            z += parameters[2 * layer + 1]
            if layer < layers - 1 or workload.loss == "squared":
                z = self.activate(z)
            values.append(z)
        output = values[-1]
        if workload.loss == "squared":
            delta = (output - y) * output * (1 - output)
        else:
            delta = np.exp(output - output.max(axis=1, keepdims=True))
            delta /= delta.sum(axis=1, keepdims=True)
            delta[np.arange(len(y)), y] -= 1
            delta /= len(y)
        gradients: list[Floats] = []
        for layer in reversed(range(layers)):
            gradients[:0] = [values[layer].T @ delta, delta.sum(axis=0)]
            if layer:
                delta = delta @ parameters[2 * layer].T
                delta *= self.slope(values[layer])
        return gradients

    def activate(self, z: Floats) -> Floats:
        """Apply the activation, in place where that is possible."""
        if self.workload.activation == "relu":
            return np.maximum(z, 0, out=z)
        return np.tanh(z, out=z) if self.workload.activation == "tanh" else 1 / (1 + np.exp(-z))

    def slope(self, active: Floats) -> np.ndarray:
        """Give the activation's derivative, from its values."""
        if self.workload.activation == "relu":
            return active > 0
        return 1 - active * active if self.workload.activation == "tanh" else active * (1 - active)

    def descend(self, gradients: list[Floats]) -> None:
        """Update by plain gradient descent."""
        for value, gradient in zip(self.parameters, gradients, strict=True):
            value -= self.workload.rate * gradient

    def adam(self, gradients: list[Floats]) -> None:
        """Update by Adam, with the usual 0.9, 0.999 and 1e-8."""
        self.steps += 1
        rate = self.workload.rate / (1 - 0.9**self.steps)
        correction = (1 - 0.999**self.steps) ** 0.5
        arrays = zip(self.parameters, gradients, self.first, self.second, strict=True)
        for value, gradient, first, second in arrays:
            first *= 0.9
            first += 0.1 * gradient
            second *= 0.999
            second += 0.001 * (gradient * gradient)
            value -= rate * first / (np.sqrt(second) / correction + 1e-8)

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        return list(zip(self.parameters[::2], self.parameters[1::2], strict=True))
