"""Options of commands that sample a file of problems, whatever kind of model they ask."""

import argparse
from pathlib import Path


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add which problems are asked, where completions go, and how they are drawn."""
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=1, help="for each problem")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--stop", action="append", default=[], help="may be given several times")
    parser.add_argument("--seed", type=int, default=0)
