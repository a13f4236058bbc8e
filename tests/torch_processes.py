"""Processes that train together, started as torchrun starts them."""

import multiprocessing
import os
import socket

import torch

from trainer.processes import Processes

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["trainer.step", "transformers.models.llama.modeling_llama"])


def _in_process(rank, shared, work, arguments, results):
    os.environ.update(shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
    torch.set_num_threads(1)
    ours = Processes()
    results.put((rank, work(ours, *arguments)))
    ours.close()


def in_processes(count, patience_seconds, work, *arguments):
    """Return what a function gives in each of some processes; it is told of them first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count)}
    results = CONTEXT.Queue()
    started = [
        CONTEXT.Process(target=_in_process, args=(rank, shared, work, arguments, results))
        for rank in range(count)
    ]
    for process in started:
        process.start()
    try:
        # Read before they are joined: what does not fit into a pipe is waited for.
        found = dict(results.get(timeout=patience_seconds) for _ in started)
    finally:
        for process in started:
            process.join(5)
            process.kill()
    return [found[rank] for rank in range(count)]
