"""An application behind a real server, on a port of its own."""

import contextlib
import socket
import threading
import time

import uvicorn

_endpoints = []
"""Of the first application. They know none, and what requests are checked with, which is worked out
when a first one comes, takes as long as a test."""


@contextlib.contextmanager
def served(app, lifespan="on"):
    """Serve until the block ends; yield the address."""
    if not _endpoints:
        _endpoints.extend(app.router.routes)
    app.router.routes[:] = _endpoints
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan=lifespan)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
