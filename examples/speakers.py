"""Who spoke? Sequences of unequal length, told apart by a recurrent network.

Nine speakers say the vowels "ae": 12 numbers per moment, 7 to 29 moments per utterance (Kudo,
Toyama and Shimbo, 1999). 270 utterances train, 370 test. The collections of aeon, sktime and
timeseriesclassification.com have them as JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts::

    python examples/speakers.py path/to/JapaneseVowels

docs/examples.md shows what comes out. Any other pair of ``.ts`` files with classes will do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from chainrule import losses, nn, optim, stop
from chainrule.data import TargetEncoder
from chainrule.data.loading import Loader
from chainrule.data.sequences import PART, SequenceEncoder, bucket_lengths, read_ts
from chainrule.train import Run, Trainer


class Speaker(nn.Module):
    """Read a sequence in both directions, and score the classes from what is kept at its ends."""

    reader: nn.GRU
    drop: nn.Dropout
    output: nn.Dense

    def __call__(self, values: Any, mask: Any, *, key: Any = None) -> Any:
        """Score the classes of sequences (batch, steps, channels) with a mask of the real steps."""
        return self.output(self.drop(self.reader(values, mask), key=key))


@dataclass(frozen=True)
class Utterances:
    """Sequences and their classes, in two parts.

    Attributes
    ----------
    train, test
        The scaled sequences.
    train_classes, test_classes
        int32 [sequences].
    encoder, target
        Fitted to the training part.
    """

    train: Any
    test: Any
    train_classes: Any
    test_classes: Any
    encoder: SequenceEncoder
    target: TargetEncoder


def read(place: Path) -> Utterances:
    """Read a pair of ``.ts`` files, and scale their channels by the training part."""
    found = read_ts(place)
    parts = [found.take((found.frame[PART] == part).to_numpy()) for part in ("train", "test")]
    encoder = SequenceEncoder.fit(parts[0])
    target = TargetEncoder.fit(parts[0].frame["label"], "multiclass")
    train, test = map(encoder.filled, parts)
    classes = [target.encode(each.frame["label"]) for each in parts]
    return Utterances(train, test, classes[0], classes[1], encoder, target)


def learn(data: Utterances, units: int, epochs: int, seed: int) -> Run:
    """Train on minibatches of like lengths, padded to one of three."""
    bounds = bucket_lengths(data.train.lengths, 3)
    batch = 16

    def piece(rows: Any, length: int) -> tuple[Any, Any]:
        return data.train.take(rows).padded(length), data.train_classes[rows]

    steps = epochs * -(-len(data.train) // batch)
    trainer = Trainer(
        Speaker(
            nn.GRU(units, bidirectional=True, returns="last", dropout=0.1),
            nn.Dropout(0.3),
            nn.Dense(len(data.target.classes)),
        ),
        losses.CrossEntropy(label_smoothing=0.1),
        optim.AdamW(optim.Cosine(5e-3, steps), weight_decay=0.01),
        stop=stop.Epochs(epochs),
        batch_size=batch,
        seed=seed,
        progress=False,
    )
    return trainer.fit(Loader.bucketed(piece, data.train.lengths, bounds, batch, seed))


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train with several seeds and print how many of the test utterances are told right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", type=Path, help="the files' common path, without _TRAIN.ts")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    data = read(chosen.place)
    lengths = data.train.lengths
    table = Table(
        title=f"{len(data.train)} sequences of {lengths.min()} to {lengths.max()} steps train, "
        f"{len(data.test)} test",
        title_justify="left",
    )
    for name in ("seed", "accuracy", "seconds"):
        table.add_column(name, justify="right")
    reached = []
    test = data.test.padded(int(max(data.test.lengths.max(), lengths.max())))
    for seed in range(chosen.seeds):
        began = perf_counter()
        run = learn(data, chosen.units, chosen.epochs, seed)
        seconds = perf_counter() - began
        accuracy = float(np.mean(run.predict(test) == data.test_classes))
        reached.append(accuracy)
        table.add_row(str(seed), f"{accuracy:.4f}", f"{seconds:.1f}")
    table.add_row("mean", f"{np.mean(reached):.4f}", "")
    Console().print(table)
    return {"mean": float(np.mean(reached)), "least": min(reached), "most": max(reached)}


if __name__ == "__main__":
    main()
