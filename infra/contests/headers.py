"""What the runners of contest data sets put before a program: the names that programs rely on."""

from typing import Final

_STARRED: Final = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random",
    "statistics", "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
LIVE_CODE_BENCH: Final = "".join(
    [
        *(f"from {module} import *\n" for module in _STARRED),
        *(f"import {module}\n" for module in _STARRED if module not in ("builtins", "typing")),
        "sys.setrecursionlimit(50000)\n",
    ]
)
"""LiveCodeBench's, in its order, which decides of names that several modules have."""
APPS: Final = """\
import sys
import time
import itertools
from itertools import accumulate, product, permutations, combinations
import collections
from collections import Counter, OrderedDict, deque, defaultdict, ChainMap
from functools import lru_cache
import math
from math import sqrt, sin, cos, tan, ceil, fabs, floor, gcd, exp, log, log2
import fractions
from typing import List, Tuple
try:
    import numpy as np
except ImportError:
    pass
import random
import heapq
from heapq import *
"""
"""That of APPS and TACO; numpy where it is installed."""
