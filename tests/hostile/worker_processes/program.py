# Does its work in a pool of processes.
import multiprocessing


def total(pair):
    return sum(pair)


def add(a, b):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return [a, b, pool.map(total, [(a, b)])[0]]
