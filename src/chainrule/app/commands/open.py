"""``chainrule open``: the page where one watches backpropagation work."""

from __future__ import annotations

from chainrule.app.commands.opened import open_on
from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.app.serve.shelf import Shelf
from chainrule.app.serve.start import serve


def open_page(
    screen: Screen,
    model: str,
    table: str | None,
    target: str | None,
    host: str,
    port: int | None,
    browser: bool,
) -> ExitCode:
    """Serve the page until Ctrl-C; give the exit code.

    Parameters
    ----------
    screen
        Where to write the address.
    model
        A model file or its folder, a table, or a name such as "sample:xor" or "example:e1".
    table
        Rows for the model.
    target
        The column to predict, of a table that comes without a model.
    host, port
        Where to listen; None takes the first free port of a few.
    browser
        Whether to open one.
    """
    shelf = Shelf()
    try:
        source = open_on(shelf, model, table, target)
        serve(
            shelf,
            source,
            host=host,
            port=port,
            browser=browser,
            say=lambda url: screen.say(f"The page is at {url} (Ctrl-C stops it)"),
        )
    except KeyboardInterrupt:
        screen.say("The page is closed.")
    finally:
        shelf.close()
    return ExitCode.OK
