"""Translation: names of languages, countries, regions and currencies, from English to French.

The parallel corpus is Debian's package ``iso-codes``, whose catalogues of messages lie in
``/usr/share/locale``; elsewhere give the folder that has ``fr/LC_MESSAGES/iso_639-3.mo``::

    python examples/translation.py
    python examples/translation.py path/to/locale --language fr --epochs 30

A transformer reads the English name in runs of letters and writes the French one. Names whose
English source was held out are translated and compared with the truth, beside copying the English
name and beside a dictionary of words that is learnt from the same training names.
docs/examples.md shows what comes out.
"""

from __future__ import annotations

import argparse
import gettext
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from chainrule import losses, nn, optim, random, stop
from chainrule.data import split
from chainrule.data.language import Characters, Subwords, Tokenizer
from chainrule.data.loading import Loader
from chainrule.data.sequences import bucket_lengths
from chainrule.errors import DataError
from chainrule.train import Run, Trainer

DEBIAN = Path("/usr/share/locale")
CATALOGUES = (
    *("iso_639-2", "iso_639-3", "iso_639-5", "iso_3166-1", "iso_3166-2", "iso_3166-3"),
    *("iso_4217", "iso_15924"),
)
LONGEST = 40
PADDING, BEGIN, END, FIRST = 0, 1, 2, 3
"""Numbers that stand for no letters; those of letters begin behind them."""

Pairs = list[tuple[str, str]]


def read_pairs(folder: Path, language: str) -> Pairs:
    """Read names and their translations, each English name once, in alphabetical order.

    Raises
    ------
    DataError
        If the folder has no catalogue in that language.
    """
    found: dict[str, str] = {}
    for name in CATALOGUES:
        path = folder / language / "LC_MESSAGES" / f"{name}.mo"
        if not path.is_file():
            continue
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)
        for source in catalogue._catalog:  # type: ignore[attr-defined]
            context, _, plain = source.rpartition("\x04") if isinstance(source, str) else ("",) * 3
            target = catalogue.pgettext(context, plain) if context else catalogue.gettext(plain)
            if plain and target and max(len(plain), len(target)) <= LONGEST:
                found.setdefault(plain, target)
    if not found:
        raise DataError(
            f"{str(folder)!r} holds no iso_*.mo catalogue in {language!r}: install Debian's "
            "package iso-codes, or give the folder where its locale files are"
        )
    return sorted(found.items())


class Translator(nn.Module):
    """Read one sequence of letters, and score the next letter of another at every place."""

    embedding: nn.Embedding
    places: nn.LearntPositions
    drop: nn.Dropout
    encoder: nn.TransformerEncoder
    decoder: nn.TransformerDecoder

    def __call__(self, source: Any, target: Any, *, key: Any = None) -> Any:
        """Score the letters behind each of `target`, int32 (batch, places)."""
        keys = [None] * 4 if key is None else random.split(key, 4)
        mask = source != PADDING
        x = self.drop(self.places(self.embedding(source)), key=keys[0])
        y = self.drop(self.places(self.embedding(target)), key=keys[1])
        memory = self.encoder(x, mask, key=keys[2])
        return self.embedding.scores(self.decoder(y, memory, None, mask, key=keys[3]))


def translator(letters: int, width: int, depth: int, dropout: float) -> Translator:
    """Make the network; letters have one vector each, for reading and for writing."""
    heads = max(1, width // 32)
    return Translator(
        nn.Embedding(letters, width, nn.initialisers.Normal(width**-0.5)),
        nn.LearntPositions(LONGEST + 2),
        nn.Dropout(dropout),
        nn.TransformerEncoder(depth, heads, dropout=dropout),
        nn.TransformerDecoder(depth, heads, dropout=dropout, causal=True),
    )


@dataclass(frozen=True)
class Corpus:
    """Names as rows of numbers.

    Attributes
    ----------
    tokens
        Letters, or runs of letters, of the training names.
    source, target
        int32 (names, LONGEST + 2), filled up with PADDING; targets have a BEGIN and an END.
    """

    tokens: Tokenizer
    source: Any
    target: Any

    @classmethod
    def of(cls, tokens: Tokenizer, pairs: Pairs) -> Corpus:
        """Turn pairs of names into numbers."""
        source = filled([tokens.encode(a) + FIRST for a, _ in pairs])
        target = filled([[BEGIN, *(tokens.encode(b) + FIRST), END] for _, b in pairs])
        return cls(tokens, source, target)

    def take(self, rows: Any, length: int) -> tuple[Any, Any]:
        """Give what training takes: both sequences, and the target one place later."""
        target = self.target[rows, : length + 1]
        return (self.source[rows, :length], target[:, :-1]), target[:, 1:]

    @property
    def lengths(self) -> Any:
        """Places that each pair needs."""
        used = [(x != PADDING).sum(axis=1) for x in (self.source, self.target)]
        return np.maximum(used[0], used[1] - 1)


def filled(rows: Sequence[Any]) -> Any:
    """Put rows of different lengths below each other."""
    table = np.full((len(rows), LONGEST + 2), PADDING, np.int32)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    return table


def train(corpus: Corpus, watched: Corpus, width: int, depth: int, epochs: int, seed: int) -> Run:
    """Train on names in minibatches of like lengths."""
    bounds = bucket_lengths(corpus.lengths, 3)
    loader = Loader.bucketed(corpus.take, corpus.lengths, bounds, 64, seed)
    steps = epochs * -(-len(corpus.source) // 64)
    rate = optim.Warmup(min(200, steps // 5 + 1), optim.Cosine(2e-3, steps, 1e-4))
    trainer = Trainer(
        translator(corpus.tokens.size + FIRST, width, depth, 0.1),
        losses.CrossEntropy(ignore=PADDING),
        optim.AdamW(rate, weight_decay=0.01),
        stop=stop.Epochs(epochs),
        batch_size=64,
        keep="last",
        seed=seed,
    )
    (source, begun), wanted = watched.take(np.arange(len(watched.source)), LONGEST + 1)
    return trainer.fit(loader, X_val=(source, begun), y_val=wanted)


def translate(run: Run, corpus: Corpus) -> list[str]:
    """Write the likeliest letter at every place, until all names have ended."""
    rows = len(corpus.source)
    target = np.full((rows, LONGEST + 1), PADDING, np.int32)
    target[:, 0] = BEGIN
    open_ = np.ones(rows, bool)
    source = corpus.source[:, : LONGEST + 1]
    for place in range(1, LONGEST + 1):
        # One program for all places: what stands behind a place changes nothing there.
        scores = run.outputs((source[open_], target[open_]))[:, place - 1]
        target[open_, place] = np.argmax(scores[:, 1:], axis=1) + 1
        open_ &= target[:, place] != END
        if not open_.any():
            break
    return [corpus.tokens.decode(row[row >= FIRST] - FIRST) for row in target]


def dictionary(pairs: Pairs) -> dict[str, str]:
    """Learn for each English word the French one that it stands beside most clearly.

    The measure is that of Dice: twice the names that have both, by the names that have either.
    """
    alone: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    both: dict[str, Counter[str]] = defaultdict(Counter)
    for source, target in pairs:
        words, others = {*source.split()}, {*target.split()}
        alone[0].update(words)
        alone[1].update(others)
        for word in words:
            both[word].update(others)

    def measure(word: str, other: str) -> float:
        return 2 * both[word][other] / (alone[0][word] + alone[1][other])

    # Sorted, so that of two that are equally clear it is always the same one.
    return {word: max(sorted(seen), key=partial(measure, word)) for word, seen in both.items()}


def by_word(words: dict[str, str], source: str) -> str:
    """Translate word by word; a word that is not known stays."""
    return " ".join(words.get(word, word) for word in source.split())


def scores(said: Sequence[str], truth: Sequence[str]) -> dict[str, float]:
    """Give the share of exact matches, and BLEU and chrF as sacrebleu computes them."""
    import sacrebleu

    exact = sum(a == b for a, b in zip(said, truth, strict=True)) / len(truth)
    return {
        "exact": exact,
        "BLEU": sacrebleu.corpus_bleu(list(said), [list(truth)]).score,
        "chrF": sacrebleu.corpus_chrf(list(said), [list(truth)]).score,
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Train, translate the names held out, and print the scores of every way to do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DEBIAN)
    parser.add_argument("--language", default="fr")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--subwords", type=int, default=600, help="how many; 0 takes letters")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    pairs = read_pairs(chosen.folder, chosen.language)
    parts = split(len(pairs), validation=0.05, test=0.1, seed=chosen.seed)
    learn, watch, test = (
        [pairs[i] for i in rows] for rows in (parts.train, parts.validation, parts.test)
    )
    text = "\n".join(f"{a}\n{b}" for a, b in learn)
    tokens = Subwords.fit(text, chosen.subwords) if chosen.subwords else Characters.fit(text)
    corpora = [Corpus.of(tokens, each) for each in (learn, watch, test)]
    began = perf_counter()
    run = train(corpora[0], corpora[1], chosen.width, chosen.depth, chosen.epochs, chosen.seed)
    seconds = perf_counter() - began
    sources, truth = [a for a, _ in test], [b for _, b in test]
    words = dictionary(learn)
    said = {
        "copying": sources,
        "word by word": list(map(partial(by_word, words), sources)),
        "transformer": translate(run, corpora[2]),
    }
    found = {name: scores(texts, truth) for name, texts in said.items()}
    show(found, said, sources, truth, f"{len(learn):,} names learnt in {seconds:.0f} s")
    return found


def show(
    found: dict[str, dict[str, float]],
    said: dict[str, list[str]],
    sources: list[str],
    truth: list[str],
    about: str,
) -> None:
    """Print the scores, and some translations."""
    console = Console()
    table = Table(title=f"{about}, {len(truth):,} held out", title_justify="left")
    for title in ("", "exact match", "BLEU", "chrF"):
        table.add_column(title, justify="right" if title else "left")
    for name, each in found.items():
        table.add_row(name, f"{each['exact']:.1%}", f"{each['BLEU']:.1f}", f"{each['chrF']:.1f}")
    console.print(table)
    samples = Table(title="Some of them", title_justify="left")
    for title in ("English", "transformer", "truth"):
        samples.add_column(title)
    changed = [i for i, (a, b) in enumerate(zip(sources, truth, strict=True)) if a != b]
    for i in changed[:: max(1, len(changed) // 12)]:
        samples.add_row(sources[i], said["transformer"][i], truth[i])
    console.print(samples)


if __name__ == "__main__":
    main()
