"""A character language model: a small GPT or an LSTM learns to continue a text.

It trains on the first nine tenths of a text, measures on the last tenth, in nats per character, and
writes a little::

    python examples/language_model.py shakespeare.txt
    python examples/language_model.py shakespeare.txt --network lstm --out lstm.chainrule

`docs/language-models.md` tells what comes out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import chainrule as cr
from chainrule import losses, nn, optim, stop
from chainrule.app.model import LanguageModel, Sampling, save_model
from chainrule.data.language import Characters, Corpus, read_text, stretches


@dataclass(frozen=True)
class Plan:
    """How a network is trained.

    Attributes
    ----------
    context
        Characters that it sees at once.
    batch
        Stretches of text in a minibatch.
    step
        Characters from the begin of one stretch to the begin of the next.
    epochs
        Times that every stretch is seen.
    rate
        Largest learning rate; it rises to it at first, and then falls to a tenth by a cosine.
    decay
        Weight decay of AdamW.
    """

    context: int
    batch: int
    step: int
    epochs: int
    rate: float
    decay: float


PLANS = {
    "gpt": Plan(context=128, batch=16, step=32, epochs=2, rate=2e-3, decay=0.1),
    "lstm": Plan(context=128, batch=32, step=64, epochs=6, rate=5e-3, decay=0.01),
}


def network(kind: str, symbols: int, context: int, width: int) -> nn.Module:
    """Make a network that scores the next character at every place of a text."""
    if kind == "gpt":
        return nn.GPT(symbols, context, width, depth=4, heads=4)
    return nn.Sequential(
        nn.Embedding(symbols, width // 2),
        nn.LSTM(2 * width),
        nn.Dropout(0.1),
        nn.Dense(symbols),
    )


def train(model: nn.Module, plan: Plan, learn: Any, check: Any, seed: int) -> Any:
    """Train on the tokens of one part of a text; measure those of another after every epoch."""
    X, y = stretches(learn, plan.context, plan.step)
    X_val, y_val = stretches(check, plan.context)
    steps = plan.epochs * math.ceil(len(X) / plan.batch)
    warm = min(100, steps // 10 + 1)
    trainer = cr.Trainer(
        model,
        losses.CrossEntropy(),
        optim.AdamW(
            optim.Warmup(warm, optim.Cosine(plan.rate, steps - warm, plan.rate / 10)),
            beta2=0.99,
            weight_decay=plan.decay,
        ),
        batch_size=plan.batch,
        clip=optim.ClipGlobalNorm(1.0),
        stop=stop.Epochs(plan.epochs),
        metric=None,
        seed=seed,
        progress=False,
        callbacks=[lambda record: print(_said(record), flush=True)],
    )
    return trainer.fit(X, y, X_val=X_val, y_val=y_val)


def _said(record: Any) -> str:
    return (
        f"epoch {record.epoch}: training {record.train_loss:.4f}, held out "
        f"{record.validation_loss:.4f} nats per character, {record.seconds:.0f} s"
    )


def main(arguments: Sequence[str] | None = None) -> LanguageModel:
    """Train, measure and write; returns the model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("text", help="a text file, or a folder of .txt files")
    parser.add_argument("--network", choices=sorted(PLANS), default="gpt")
    parser.add_argument("--width", type=int, default=128, help="of the GPT; an LSTM has twice that")
    parser.add_argument("--epochs", type=int, help="instead of the plan's")
    parser.add_argument("--context", type=int, help="instead of the plan's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompt", default="ROMEO:\n", help="what the text begins with")
    parser.add_argument("--length", type=int, default=300, help="characters to write")
    parser.add_argument("--out", help="where the model goes, for `chainrule generate`")
    chosen = parser.parse_args(arguments)
    changes = {k: v for k in ("epochs", "context") if (v := getattr(chosen, k)) is not None}
    plan = replace(PLANS[chosen.network], **changes)

    text, _ = read_text(chosen.text)
    corpus = Corpus.split(text, validation=0.1)
    tokens = Characters.fit(corpus.train)
    learn, check = tokens.encode(corpus.train), tokens.encode(corpus.validation)
    print(
        f"{len(learn):,} characters to learn from, {len(check):,} held out, {tokens.size} symbols"
    )
    begin = perf_counter()
    run = train(
        network(chosen.network, tokens.size, plan.context, chosen.width),
        plan,
        learn,
        check,
        chosen.seed,
    )
    count = nn.count_parameters(run.network)
    print(f"{count:,} parameters, trained in {perf_counter() - begin:.0f} s")

    model = LanguageModel.of(run.network, tokens, plan.context)
    print(f"held out: {model.losses_of(check).mean():.4f} nats per character")
    pieces = model.generate(
        chosen.prompt, chosen.length, sampling=Sampling(temperature=0.8), seed=chosen.seed
    )
    print("\n" + chosen.prompt + "".join(pieces))
    if chosen.out:
        save_model(model, chosen.out)
    return model


if __name__ == "__main__":
    main()
