"""``chainrule derive``: the backward pass of a network as equations."""

from __future__ import annotations

import json
from pathlib import Path

from chainrule.app.commands.opened import open_on
from chainrule.app.commands.printed import choose_language, put_out
from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.app.serve.setup import Setup
from chainrule.app.serve.shelf import Shelf
from chainrule.explaining import derive as derive_network


def derive(
    screen: Screen, model: str, loss: str | None, language: str | None, out: Path | None
) -> ExitCode:
    """Print the equations of a network, from the gradient rules that run; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    model
        A model file or its folder, a table, or a name such as "sample:xor" or "example:e1".
    loss
        Its name, as the page has it; None takes the one that suits the target.
    language
        "text", "latex", "mathml", "html" or "json"; None goes by the ending of the file.
    out
        The file; None writes to the terminal.
    """
    shelf = Shelf()
    material = shelf.get(open_on(shelf, model, None, None))
    setup: Setup = material.setup.changed({} if loss is None else {"loss": loss})
    network = material.build(setup)
    targets = material.targets(setup.loss, material.labels)
    derived = derive_network(
        network, setup.make_loss(), tuple(x[:1] for x in material.inputs), targets[:1]
    )
    languages = {
        "text": lambda: derived.text(None if out else screen.width),
        "latex": derived.latex,
        "mathml": derived.mathml,
        "html": derived.html,
        "json": lambda: json.dumps(derived.to_dict(), ensure_ascii=False, indent=1),
    }
    said = put_out(screen, out, choose_language(language, out, languages), languages)
    screen.result(derived.to_dict(), said)
    return ExitCode.OK
