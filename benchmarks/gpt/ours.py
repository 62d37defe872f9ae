"""chainrule: the layers of `nn`, and all steps of a timing in one native call."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.gpt.task import DECAY, RATE, Task
from chainrule import losses, optim, random
from chainrule.execute import loop
from chainrule.train.program import Layout, Objective
from chainrule.train.step import Step


class Native:
    """A loop in progress."""

    def __init__(self, task: Task, threads: int) -> None:
        network = task.network()
        layout = Layout.of(network)
        carried, fixed = layout.divide(network)
        optimiser = optim.AdamW(RATE, weight_decay=DECAY)
        step = Step(Objective(layout, losses.CrossEntropy(), ()), optimiser, None)
        texts, following = task.texts(0)
        self.texts, self.following = texts.copy(), following.copy()
        data = {
            "inputs": (self.texts,),
            "targets": self.following,
            "fixed": fixed,
            "key": random.key(0),
            "learning_rate": np.float32(RATE),
        }
        carry = step.initial(carried)
        plan = loop(step.take, carry, data, batch_size=task.batch, workers=threads)
        self.session = plan.start(carry, data)
        self.order = np.arange(len(texts), dtype=np.int32)
        self.number = 0
        self.session.run(self.order[:0], 0)  # no step, but it is compiled

    def train(self, texts: Any, following: Any) -> float:
        """Put the texts where the loop reads them, and run it."""
        self.texts[...], self.following[...] = texts, following
        record = self.session.run(self.order, self.number)
        self.number += len(record["total"])
        return float(record["total"][-1] / record["weight"][-1])
