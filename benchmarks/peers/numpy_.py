"""NumPy by hand: the formulas written out, as in a textbook, and nothing done twice."""

from __future__ import annotations

import numpy as np

from benchmarks.session import Session
from benchmarks.workloads import Data, Floats, Integers, Weights, Workload


def prepare(workload: Workload, data: Data, threads: int) -> Session:
    """Set up the network; the number of threads is the environment's."""
    return ByHand(workload, data)


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
        """Train whole epochs."""
        size = self.workload.batch
        update = self.adam if self.workload.optimiser == "adam" else self.descend
        X, y = self.data.X, self.data.y
        if size == len(X):  # full batches need no gathering
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
        sigmoid = workload.activation == "sigmoid"
        values = [X]
        for layer in range(layers):
            z = values[-1] @ parameters[2 * layer]
            z += parameters[2 * layer + 1]
            if layer < layers - 1 or workload.loss == "squared":
                z = 1 / (1 + np.exp(-z)) if sigmoid else np.maximum(z, 0, out=z)
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
                active = values[layer]
                delta *= active * (1 - active) if sigmoid else active > 0
        return gradients

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
