"""Open a port, start the server, open the browser."""

from __future__ import annotations

import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from urllib.parse import quote

from threadpoolctl import threadpool_limits

from chainrule.app.serve.routes import make_app
from chainrule.app.serve.shelf import Shelf
from chainrule.errors import MissingDependencyError, ParameterError

LOOPBACK = "127.0.0.1"
PORTS = range(8420, 8440)
"""Ports that are tried where none is asked for."""


def open_port(host: str, port: int | None) -> socket.socket:
    """Take a port.

    Parameters
    ----------
    host
        The address to listen at.
    port
        None takes the first free one of a few, 0 any free one.

    Raises
    ------
    ParameterError
        If the port is taken, or the address is none of this machine.
    """
    if port is not None and not 0 <= port < 2**16:
        raise ParameterError(f"a port lies between 0 and 65535, received {port}")
    tried = PORTS if port is None else [port]
    for each in tried:
        taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            taken.bind((host, each))
        except OSError as error:
            taken.close()
            reason = error.strerror
        else:
            return taken
    raise ParameterError(f"cannot listen at {host}, port {tried[-1]}: {reason}; use another --port")


def serve(
    shelf: Shelf,
    source: str,
    *,
    host: str = LOOPBACK,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
    shelf
        What can be opened.
    source
        What is shown first, such as "sample:xor".
    host, port
        Where to listen: by default only this machine can reach the page.
    browser
        Whether to open one.
    say
        Told the address.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingDependencyError(
            "the page needs FastAPI and uvicorn: pip install 'chainrule[serve]'"
        ) from error
    taken = open_port(host, port)
    try:
        name = f"[{host}]" if ":" in host else host
        hosts = ("127.0.0.1", "localhost", "[::1]") if _is_loopback(host) else ("*",)
        app = make_app(shelf, hosts)
        taken.listen()  # so that nobody who reads the address comes too early
        url = f"http://{name}:{taken.getsockname()[1]}/#source={quote(source, safe=':')}"
        say(url)
        if browser:
            threading.Timer(0.5, webbrowser.open, [url]).start()
        if threading.current_thread() is threading.main_thread():
            # uvicorn ends with the signal that stopped it; what was stored has to go first.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        # A product of a step's size, shared among threads, waits longer for a busy processor than
        # it takes. Training in native code brings its own threads.
        with threadpool_limits(1, user_api="blas"):
            uvicorn.Server(config).run(sockets=[taken])
    finally:
        taken.close()
        shelf.close()


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
