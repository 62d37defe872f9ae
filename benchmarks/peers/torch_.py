"""PyTorch in eager mode, with the fused optimiser and rows gathered by index (no DataLoader)."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.session import Predict, Session
from benchmarks.workloads import Data, Floats, Integers, Weights, Workload

# The first optimiser loads a large part of PyTorch: that belongs to the import.
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def prepare(workload: Workload, data: Data, threads: int) -> Session:
    """Set up the network."""
    return Eager(workload, data)


def predictor(workload: Workload, data: Data, threads: int) -> Predict:
    """Set up the network with a softmax behind it; nothing is recorded for gradients."""
    network = nn.Sequential(*Eager(workload, data).network, nn.Softmax(dim=1)).eval()

    @torch.inference_mode()
    def predict(X: Floats) -> Floats:
        return network(torch.from_numpy(X)).numpy()

    return predict


class Eager:
    """A module, a loss and an optimiser."""

    note = ""

    def __init__(self, workload: Workload, data: Data) -> None:
        squared = workload.loss == "squared"
        activation = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[workload.activation]
        self.dense: list[nn.Linear] = []
        layers: list[nn.Module] = []
        for weight, bias in workload.weights():
            linear = nn.Linear(*weight.shape, dtype=getattr(torch, workload.dtype))
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight.T.copy()))
                linear.bias.copy_(torch.from_numpy(bias))
            self.dense.append(linear)
            layers += [linear, activation()]
        self.network = nn.Sequential(*(layers if squared else layers[:-1]))
        self.loss = _half_squared if squared else nn.CrossEntropyLoss()
        # Fused is the fastest that PyTorch has on a processor.
        optimiser = torch.optim.Adam if workload.optimiser == "adam" else torch.optim.SGD
        self.optimiser = optimiser(self.network.parameters(), lr=workload.rate, fused=True)
        self.X = torch.from_numpy(data.X)
        self.y = torch.from_numpy(data.y if squared else data.y.astype("int64"))
        self.batch = workload.batch
        self.full = workload.full

    def train(self, orders: Integers) -> None:
        """Train epochs."""
        if self.full:
            for _ in orders:
                self._step(self.X, self.y)
            return
        for order in orders:
            for rows in torch.from_numpy(order).split(self.batch):
                self._step(self.X[rows], self.y[rows])

    def _step(self, X: torch.Tensor, y: torch.Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        self.loss(self.network(X), y).backward()
        self.optimiser.step()

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        return [
            (layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in self.dense
        ]


def _half_squared(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return 0.5 * ((target - output) ** 2).sum()
