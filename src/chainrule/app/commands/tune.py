"""``chainrule tune``: how this processor multiplies matrices fastest."""

from __future__ import annotations

from dataclasses import asdict

from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.execute.native.cache import cache_folder
from chainrule.execute.native.tune import tune as measure


def tune(screen: Screen) -> ExitCode:
    """Time products of matrices, cut in several ways; keep the fastest, and show it."""
    screen.say("Timing products of matrices, for about five seconds ...")
    found = measure()
    figures = ", ".join(f"{name} = {value}" for name, value in found.changed.items())
    line = f"{found.gain:.1%} less time with {figures}" if figures else "the usual figures are best"
    screen.table(
        ("Product, rows by columns by depth", "Usual", "Tuned, GFLOP/s"),
        [
            (product, *(f"{product.flops / seconds / 1e9:.1f}" for seconds in both))
            for product, both in found.seconds.items()
        ],
    )
    screen.say()
    kept = "for programs that are compiled from now on" if found.kept else "nowhere"
    screen.pairs(
        [
            ("Processor", found.cpu),
            ("Found", line),
            ("Kept", f"{kept}: {cache_folder()} {'holds it' if found.kept else 'is read-only'}"),
        ]
    )
    screen.result(
        {
            "kind": "tuning",
            "cpu": found.cpu,
            "figures": asdict(found.best),
            "changed": found.changed,
            "gain": found.gain,
            "kept": found.kept,
            "products": [
                {"product": str(product), "usual": before, "tuned": after}
                for product, (before, after) in found.seconds.items()
            ],
        },
        line,
    )
    return ExitCode.OK
