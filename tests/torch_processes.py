"""Processes that train together, started as torchrun starts them."""

import multiprocessing
import os
import queue
import time
import traceback

import torch

from infra.local.home import free_port
from trainer.processes import Processes

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["trainer.step", "transformers.models.llama.modeling_llama"])


def _in_process(rank, shared, work, arguments, results):
    os.environ.update(shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
    torch.set_num_threads(1)
    ours = Processes()
    try:
        results.put((rank, work(ours, *arguments), None))
    except BaseException:
        results.put((rank, None, traceback.format_exc()))
        raise
    ours.close()


def in_processes(count, patience_seconds, work, *arguments):
    """Return what a function gives in each of some processes; it is told of them first."""
    shared = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count),
    }  # fmt: skip
    results = CONTEXT.Queue()
    started = [
        CONTEXT.Process(target=_in_process, args=(rank, shared, work, arguments, results))
        for rank in range(count)
    ]
    for process in started:
        process.start()
    try:
        found = _collected(started, results, time.monotonic() + patience_seconds)
    finally:
        for process in started:
            process.join(5)
            process.kill()
    return [found[rank] for rank in range(count)]


def _collected(started, results, deadline):
    """Read what each process gives before they are joined: a full pipe is waited for."""
    found = {}
    while len(found) < len(started):
        try:
            rank, result, failure = results.get(timeout=1)
        except queue.Empty:
            ended = [process.exitcode for process in started if process.exitcode]
            assert not ended, f"processes ended with {ended}"
            assert time.monotonic() < deadline, f"only {sorted(found)} of {len(started)} answered"
            continue
        assert failure is None, f"process {rank}: {failure}"
        found[rank] = result
    return found
