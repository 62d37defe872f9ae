"""``chainrule claims`` says whether the numbers that somebody printed hold."""

from __future__ import annotations

from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.explaining import check_claims


def claims(screen: Screen, source: str) -> ExitCode:
    """Check a claims file and print each verdict; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source
        A TOML file, or ``example:E1`` to ``example:E5``.
    """
    report = check_claims(source)
    screen.say(report.text(screen.width))
    screen.result(report.to_dict())
    return ExitCode.OK
