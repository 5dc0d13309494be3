"""A trend as small as a word: how many lines sent, minute by minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 120, 28


def sparkline(counts: Sequence[int], *, label: str) -> Markup:
    """The drawing, from zero to the highest; colours come from the style sheet."""
    highest, step = max(counts, default=0) or 1, WIDTH / max(len(counts), 1)
    points = [(number * step, HEIGHT - count / highest * (HEIGHT - 2)) for number, count in enumerate(counts)]
    path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}H{x + step:.1f}" for number, (x, y) in enumerate(points))
    area = f"{path}V{HEIGHT}H0Z" if points else ""
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" role="img" aria-label="{label}"><path d="{area}"></path></svg>'
    ).format(w=WIDTH, h=HEIGHT, label=label, area=area)
