"""Drawings of a report: pass@k curves as SVG, labels as stacked bars."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final

from services.evaluation.results import Found
from services.evaluation.tables import LABELS

_KS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _RIGHT, _TOP = 360, 220, 38, 24, 8, 8
_LINES: Final = 6
"""Colours of lines there are."""


def curves(found: Sequence[Found], title: str) -> str:
    """Draw pass@k over k, a line for each way of sampling; empty where each problem has one."""
    lines = [one for one in found if one.fewest > 1]
    if not lines:
        return ""
    most = max(one.fewest for one in lines)
    ks = [k for k in _KS if k < most] + [most]
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        *_axes(ks, most),
    ]
    for number, one in enumerate(lines):
        points = [
            (_x(k, most), _y(one.pass_at(k).mean)) for k in dict.fromkeys([*ks, one.fewest])
            if k <= one.fewest
        ]  # fmt: skip
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in sorted(points))
        colour = f"line{number % _LINES}"
        parts.append(f'<polyline class="{colour}" points="{path}"/>')
    parts.append("</svg>")
    named = "".join(
        f'<span><i class="line{number % _LINES}"></i>{escape(one.setting.name)}</span>'
        for number, one in enumerate(lines)
    )
    head = f"<figure><figcaption>{escape(title)}</figcaption>"
    return f'{head}{"".join(parts)}<p class="key">{named}</p></figure>'


def bars(found: Sequence[Found]) -> str:
    """Draw how many programs have which label, one bar for each row."""
    rows = []
    used: dict[str, None] = {}
    for one in found:
        labels = Counter(judged.label for judged in one.every())
        total = labels.total()
        pieces = []
        for label in LABELS:
            if labels[label]:
                used[label] = None
                share = labels[label] / total
                pieces.append(
                    f'<i class="{label}" style="width:{share:.4%}"'
                    f' title="{label}: {labels[label]} of {total}"></i>'
                )
        name = escape(f"{one.model}, {one.setting.name}")
        rows.append(f'<p class="bar"><span>{name}</span><b>{"".join(pieces)}</b></p>')
    key = "".join(
        f'<span><i class="{label}"></i>{label}</span>' for label in LABELS if label in used
    )
    return f'{"".join(rows)}<p class="key">{key}</p>'


def _axes(ks: Sequence[int], most: int) -> list[str]:
    found = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        found.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        found.append(f'<text x="{_LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{share:.0%}</text>')
    last = -math.inf
    for k in ks:
        x = _x(k, most)
        if x - last > 22 or k == most:  # Else the numbers run into each other.
            found.append(f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{k}</text>')
            last = x
    return found


def _x(k: int, most: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT - 6) * math.log(k) / math.log(most)


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - share)
