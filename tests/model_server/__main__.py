"""`python -m tests.model_server`: the test server as a program of its own.

`--source module:name` names a class or function that makes a `Source` without arguments.
"""

import argparse
import importlib

import uvicorn

from tests.model_server.app import ModelServer
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Batched, Source


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--source", default="tests.model_server.sources:Starter")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.0, help="time of one completion")
    parser.add_argument("--fault", action="append", default=[], help="kind=every, as cut=3")
    parser.add_argument("--key")
    chosen = parser.parse_args()
    module, _, name = chosen.source.partition(":")
    source: Source = getattr(importlib.import_module(module), name)()
    if chosen.seconds:
        source = Batched(source, chosen.slots, chosen.seconds)
    pairs = (item.split("=") for item in chosen.fault)
    faults = Schedule({Fault(kind): int(every) for kind, every in pairs})
    server = ModelServer(source=source, faults=faults, key=chosen.key, keeps_record=False)
    uvicorn.run(
        server.app(), host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
