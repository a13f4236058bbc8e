# Does its work in an event loop, with threads beside it.
import asyncio


async def total(a, b):
    return await asyncio.to_thread(sum, (a, b))


def add(a, b):
    return [a, b, asyncio.run(total(a, b))]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
