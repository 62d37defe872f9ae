"""Keeping quiet what polars prints on its own when a damaged file makes it panic."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import polars as pl

_STDERR = 2


@contextmanager
def quiet_panic() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and lose it if polars panics.

    A panic arrives as an exception as well, which says all there is to say; but before, Rust's
    own hook prints a trace that no setting turns off. Whatever else was written meanwhile, also by
    other threads, is passed on.
    """
    with tempfile.TemporaryFile() as held:
        try:
            original = os.dup(_STDERR)
        except OSError:  # a service without a standard error
            yield
            return
        os.dup2(held.fileno(), _STDERR)
        panicked = False
        try:
            yield
        except pl.exceptions.PanicException:
            panicked = True
            raise
        finally:
            os.dup2(original, _STDERR)
            held.seek(0)
            text = b"" if panicked else held.read()
            if text:
                with suppress(OSError):
                    os.write(original, text)
            os.close(original)
