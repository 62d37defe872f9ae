"""A language model: how likely a text is, and how it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model.kinds import BATCH
from chainrule.app.model.prediction import bytes_per_row
from chainrule.app.model.sampling import Sampling
from chainrule.app.model.scoring import scores_in
from chainrule.app.model.writing import step_program
from chainrule.data.language import UNKNOWN, Characters, Tokenizer, read_text
from chainrule.errors import DataError, ParameterError
from chainrule.execute import Planned, choose_executor
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.plan import plan
from chainrule.tracing import capture, flatten, leaf_paths

TOKENS = "tokens"
"""The name of the program's last input."""

_BLOCK_BYTES = 2**27
_FEWEST = 2  # tokens to write, from which on reading one at a time is faster
_PADDING = 0  # what stands behind a short prompt; causal networks do not see it


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """Tokens, a program that scores what follows them, and its weights.

    Parameters
    ----------
    tokens
        How a text becomes whole numbers.
    program
        Inputs: the weights, then int32 [batch, context]. Output: a score for each token, at each
        place for the one behind it, [batch, context, tokens].
    weights
        Values of the program's first inputs, by their names.
    network
        The network that the program was traced from; None if it holds layers of a user's own.
    report
        What was measured and set when the model was trained, as plain JSON values.
    version
        The version of chainrule that made it.
    """

    tokens: Tokenizer
    program: Graph
    weights: Mapping[str, NDArray[Any]]
    network: nn.Module | None
    report: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def of(
        cls,
        network: nn.Module,
        tokens: Tokenizer,
        context: int,
        *,
        report: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> LanguageModel:
        """Make a model of a trained network.

        Parameters
        ----------
        network
            Holds its arrays. It takes int32 (batch, places) and gives scores (batch, places,
            tokens); it must be causal: what stands behind a place changes nothing there.
        tokens
            As they were fitted.
        context
            How many tokens it sees at once.
        report, version
            See `LanguageModel`.
        """
        leaves = dict(zip(leaf_paths(network), flatten(network)[0], strict=True))
        weights = {name: np.asarray(value) for name, value in leaves.items()}
        program = scoring_program(network, context)
        return cls(tokens, program, weights, network, report or {}, version)

    @property
    def context(self) -> int:
        """How many tokens the program sees at once."""
        size = self.program.inputs[-1].type.shape[1]
        return size if isinstance(size, int) else 0

    def evaluate(self, source: object) -> dict[str, Any]:
        """Say how well the model foretells a text.

        The text is cut into stretches of the model's context; each token is foretold from those
        before it in its stretch, as in training.

        Parameters
        ----------
        source
            A text file, or a folder of ``.txt`` files.

        Returns
        -------
        ``scores`` (see `text_scores`), the counts ``tokens`` and ``characters``, and ``notes``.
        """
        text, notes = read_text(str(source))
        tokens = self.tokens.encode(text)
        losses = self.losses_of(tokens)
        strange = int((tokens == 0).sum()) if isinstance(self.tokens, Characters) else 0
        if strange:
            notes += (f"{strange:,} characters that training did not see",)
        return {
            "tokens": len(losses),
            "characters": len(text),
            "scores": text_scores(losses, len(text) / len(tokens)),
            "notes": list(notes),
        }

    def losses_of(self, tokens: NDArray[np.int32]) -> NDArray[np.float64]:
        """Give minus the logarithm of the probability of each token behind the first.

        Parameters
        ----------
        tokens
            Of a text, int32 [tokens].

        Returns
        -------
        float64 [tokens - 1].

        Raises
        ------
        DataError
            If the text has fewer than two tokens.
        """
        if len(tokens) < 2:
            raise DataError("the text is too short: it needs at least two tokens")
        seen = len(tokens) - 1
        rows = -(-seen // self.context)
        padded = np.full(rows * self.context, _PADDING, np.int32)
        padded[:seen] = tokens[:-1]
        run = self._runner(rows, 1)
        size = max(1, _BLOCK_BYTES // max(bytes_per_row(self.program), 1))
        wanted = np.full(rows * self.context, _PADDING, np.int64)
        wanted[:seen] = tokens[1:]
        found = []
        stretches = padded.reshape(rows, -1)
        for i in range(0, rows, size):
            scores = run(stretches[i : i + size]).astype(np.float64)
            target = wanted.reshape(rows, -1)[i : i + size, :, None]
            top = scores.max(axis=-1, keepdims=True)
            total = np.log(np.exp(scores - top).sum(axis=-1)) + top[..., 0]
            found.append(total - np.take_along_axis(scores, target, axis=-1)[..., 0])
        return np.concatenate(found).ravel()[:seen]

    def likeliest(self, tokens: NDArray[np.int32]) -> str:
        """Give the text of the likeliest token behind some others, int32 [tokens]."""
        return "".join(self._continued(list(tokens), 1, Sampling(temperature=0.0), 0))

    def generate(
        self,
        prompt: str,
        length: int = 200,
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
    ) -> Iterator[str]:
        """Continue a text, piece by piece as it is made.

        Parameters
        ----------
        prompt
            What it begins with; of a long one the model sees the end.
        length
            Tokens to add. Recurrent networks remember all of the text that they wrote, others see
            its last `context` tokens.
        sampling
            How each is drawn.
        seed
            Of the drawing; the same seed gives the same text.

        Raises
        ------
        ParameterError
            If the length is negative.
        DataError
            If the prompt is empty, or holds only characters that training did not see.
        """
        if length < 0:
            raise ParameterError(f"the length of a text is not negative, received {length}")
        known = self.tokens.encode(prompt)
        if not len(known):
            raise DataError("the prompt is empty: give the begin of a text")
        if isinstance(self.tokens, Characters) and not known.any():
            raise DataError(f"training saw none of the characters of the prompt {prompt!r:.40}")
        return self._continued(list(known), length, sampling or Sampling(), seed)

    def _continued(
        self, tokens: list[int], length: int, sampling: Sampling, seed: int
    ) -> Iterator[str]:
        random = np.random.default_rng(seed)
        score = self._scorer(tokens, length)
        made: list[int] = []
        shown = ""
        for _ in range(length):
            scores = score(tokens)
            if isinstance(self.tokens, Characters):
                scores[0] = -math.inf  # the unknown character is never written
            token = sampling.draw(scores, random)
            tokens.append(token)
            made.append(token)
            text = self.tokens.decode(made)
            # The bytes of one character may be spread over several tokens.
            if not text.endswith(UNKNOWN):
                yield text[len(shown) :]
                shown = text
        rest = self.tokens.decode(made)[len(shown) :]
        if rest:
            yield rest

    def _scorer(self, prompt: list[int], length: int) -> Callable[[list[int]], NDArray[np.float32]]:
        """Give what scores the token behind some others, from call to call one more.

        Where the network can, it reads each token once and keeps what it needs of it. Attention
        keeps as many as it has room for; from then on the end of the text moves through its places,
        and is read anew for each token.
        """
        run: Callable[[NDArray[np.int32]], NDArray[np.float32]] | None = None

        def whole(tokens: list[int]) -> NDArray[np.float32]:
            nonlocal run
            run = run or self._runner(1, length)
            seen = tokens[-self.context :]
            row = np.full((1, self.context), _PADDING, np.int32)
            row[0, : len(seen)] = seen
            return np.array(run(row)[0, len(seen) - 1])

        steps = None if self.network is None else step_program(self.network, self.context)
        if steps is None or self.network is None or length < _FEWEST:
            return whole
        bounded = nn.knows_places(self.network)
        if bounded and len(prompt) > self.context:
            return whole  # there is no room from the begin on
        skipped = max(0, len(prompt) - self.context)
        reads = min(len(prompt), self.context) + length
        score = steps.scorer([*self.weights.values()], reads)
        if not bounded:
            return lambda tokens: score(tokens[skipped:])
        return lambda tokens: (score if len(tokens) <= self.context else whole)(tokens)

    def _runner(self, rows: int, runs: int) -> Callable[[NDArray[np.int32]], NDArray[np.float32]]:
        """Make the program ready: native code where NumPy would take longer than compiling."""
        size = max(1, _BLOCK_BYTES // max(bytes_per_row(self.program), 1))
        limits = {BATCH: min(rows, size)}
        calls = runs * -(-rows // size)
        weights = [*self.weights.values()]
        executor = choose_executor("auto", self.program, calls, limits)
        arguments, leaf = flatten((*self.program.inputs,))[1], flatten(weights[0])[1]
        planned = Planned(plan(self.program, limits=limits), arguments, (leaf,))
        compiled = planned.compile(executor)
        return lambda tokens: np.array(compiled.on_leaves([*weights, tokens]))

    def summary(self) -> str:
        """Say in a few lines what the model is, and how well it does."""
        parameters = sum(int(array.size) for array in self.weights.values())
        lines = [
            f"continues texts of {self.tokens.describe()}",
            f"by {parameters:,} parameters that see {self.context} tokens: {self.network!r}",
        ]
        if self.test_scores:
            shown = (f"{name} {value:.4g}" for name, value in self.test_scores.items())
            lines.append(f"on held-out text: {', '.join(shown)}")
        return "\n".join(lines)

    @property
    def test_scores(self) -> dict[str, float]:
        """The scores in the report; see `scores_in`."""
        return scores_in(self.report)


def scoring_program(network: nn.Module, context: int) -> Graph:
    """Trace a network that scores the tokens behind each place of so many."""
    kind = ArrayType((Dim(BATCH), context), "int32")

    def score(network: nn.Module, tokens: Any) -> Any:
        return network(tokens)

    return capture(score, [network, kind], ["", TOKENS]).graph


def text_scores(losses: NDArray[np.float64], characters: float) -> dict[str, float]:
    """Give nats per token and per character, bits per character, and perplexity.

    Parameters
    ----------
    losses
        Minus the logarithm of the probability of each token.
    characters
        Of a token, on average.

    >>> text_scores(np.log([2.0, 8.0]), 1.0)["perplexity"].__round__(6)
    4.0
    """
    nats = float(np.mean(losses))
    return {
        "nats_per_token": nats,
        "nats_per_character": nats / characters,
        "bits_per_character": nats / characters / math.log(2),
        "perplexity": math.exp(min(nats, 700.0)),
    }
