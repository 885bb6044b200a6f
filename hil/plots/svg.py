"""Plots as inline SVG: no library, no script, readable on paper and screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Colours that the colour-blind tell apart (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
SHADES = (*COLOURS, "#F0E442", "#000000", "#999999")
_WIDTH, _HEIGHT = 420, 260
_DIGIT = 7.0  # px, of a character
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 38, 44


@dataclass(frozen=True)
class Series:
    """x, y : (n,). line : drawn as a line, else as dots. label : in the legend where not empty.

    dashed : of a line; size : of dots, radius in px.
    """

    x: Floats
    y: Floats
    line: bool = False
    label: str = ""
    colour: int = 0
    dashed: bool = False
    size: float = 2.0


def _ticks(low: float, high: float) -> Floats:
    """Some five round numbers in low..high."""
    if not high > low:
        high = low + 1.0
    rough = (high - low) / 5.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(s for s in (1.0, 2.0, 5.0, 10.0) if s * power >= rough)
    return np.arange(np.ceil(low / step), np.floor(high / step + 1e-9) + 1) * step + 0.0


def _range(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = 0.06 * (high - low) or max(1e-12, 0.05 * abs(high))
    return low - room, high + room


def chart(
    title: str,
    x_name: str,
    y_name: str,
    series: Sequence[Series],
    levels: Sequence[tuple[str, float]] = (),
    places: Sequence[tuple[str, float]] = (),
) -> str:
    """A chart of lines and dots; axis names hold their units.

    levels : by name, drawn all across. places : on the x axis by name, drawn all the way up; what
    is right of one is what its name says.
    """
    heights = np.array([height for _, height in levels])
    low_x, high_x = _range(np.concatenate([s.x for s in series]))
    low_y, high_y = _range(np.concatenate([*(s.y for s in series), heights]))
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at_x(x: Floats | float) -> Floats:
        return _LEFT + wide * (np.asarray(x) - low_x) / (high_x - low_x)

    def at_y(y: Floats | float) -> Floats:
        return _TOP + tall * (high_y - np.asarray(y)) / (high_y - low_y)

    parts = _frame(title, x_name, y_name)
    for tick in _ticks(low_x, high_x):
        parts.append(text(float(at_x(tick)), _TOP + tall + 14, f"{tick + 0.0:.4g}", "middle"))
    for tick in _ticks(low_y, high_y):
        y = float(at_y(tick))
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{wide}" stroke="#ddd"/>')
        parts.append(text(_LEFT - 4, y + 4, f"{tick:.4g}", "end"))
    for one in series:
        colour, sound = COLOURS[one.colour % len(COLOURS)], np.isfinite(one.x) & np.isfinite(one.y)
        points = list(zip(at_x(one.x[sound]), at_y(one.y[sound]), strict=True))
        if one.line:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            dashes = ' stroke-dasharray="5 3"' if one.dashed else ""
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"{dashes}/>')
        else:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{one.size:g}" fill="{colour}"/>'
                      for x, y in points]  # fmt: skip
    for name, height in levels:
        y = float(at_y(height))
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{wide}" stroke="#222" stroke-dasharray="2 3"/>')
        # Curves of accuracy rise from the lower left: names stand where they are not.
        above = y < _TOP + tall / 2
        x, anchor = (_LEFT + 4, "start") if above else (_LEFT + wide - 3, "end")
        parts.append(text(x, y - 3 if y > _TOP + 18 else y + 12, name, anchor))
    for name, place in places:
        x = float(at_x(place))
        parts.append(f'<path d="M{x:.1f} {_TOP}v{tall}" stroke="#666"/>')
        # The word stands in the half that has room for it, low, where rising curves are not.
        right = x < _LEFT + wide / 2
        at, anchor = (x + 4, "start") if right else (x - 4, "end")
        word = text(at, _TOP + tall - 20, f"{name} \u2192", anchor)
        halo = '<text paint-order="stroke" stroke="#fff" stroke-width="4" '
        parts.append(word.replace("<text ", halo, 1))
    x, y = float(_LEFT), _TOP - 3  # above the data, where nothing is drawn
    for one in (s for s in series if s.label):
        colour = COLOURS[one.colour % len(COLOURS)]
        parts.append(f'<rect x="{x:.0f}" y="{y - 8}" width="8" height="8" fill="{colour}"/>')
        parts.append(text(x + 11, y, one.label, "start"))
        x += 26.0 + 6.0 * len(one.label)
    return "".join([*parts, "</svg>"])


def bars(title: str, y_name: str, names: Sequence[str], values: Floats, floor: float) -> str:
    """Bars from `floor` up, each with its number."""
    high = float(max(values.max(), floor + 1e-9))
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    each = wide / len(values)
    parts = _frame(title, "", y_name)
    for tick in _ticks(floor, high):
        y = _TOP + tall * (high - tick) / (high - floor)
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{wide}" stroke="#ddd"/>')
        parts.append(text(_LEFT - 4, y + 4, f"{tick:.5g}", "end"))
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        size = tall * max(value - floor, 0.0) / (high - floor)
        x = _LEFT + each * (number + 0.15)
        parts.append(f'<rect x="{x:.1f}" y="{_TOP + tall - size:.1f}" width="{0.7 * each:.1f}" '
                     f'height="{size:.1f}" fill="{COLOURS[0]}"/>')  # fmt: skip
        middle = x + 0.35 * each
        parts.append(text(middle, _TOP + tall + 14, name, "middle"))
        parts.append(text(middle, _TOP + tall - 5, f"{value:.4f}", "middle", "#fff"))
    return "".join([*parts, "</svg>"])


def heat_map(title: str, x_name: str, y_name: str, values: Floats, unit: str) -> str:
    """A map of a matrix, blue below zero and orange above, symmetric about zero."""
    rows, columns = values.shape
    most = float(np.nanmax(np.abs(values))) or 1.0
    side = min((_WIDTH - _LEFT - 90) / columns, (_HEIGHT - _TOP - _BOTTOM) / rows)
    parts = _frame(f"{title}, {unit}", x_name, y_name, grid=False)
    for row in range(rows):
        for column in range(columns):
            x, y = _LEFT + column * side, _TOP + row * side
            parts.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{side + 0.2:.2f}" '
                         f'height="{side + 0.2:.2f}" fill="{_shade(values[row, column] / most)}"/>')  # fmt: skip  # noqa: E501
    for number, share in enumerate((1.0, 0.5, 0.0, -0.5, -1.0)):
        y = _TOP + 10 + 22 * number
        parts.append(f'<rect x="{_WIDTH - 84}" y="{y}" width="14" height="14" '
                     f'fill="{_shade(share)}" stroke="#999"/>')  # fmt: skip
        parts.append(text(_WIDTH - 66, y + 11, f"{share * most:+.2g}", "start"))
    return "".join([*parts, "</svg>"])


def stacked(
    title: str, x_name: str, rows: Sequence[tuple[str, Mapping[str, float]]], unit: str
) -> str:
    """Bars across, one a row, each of parts in one order; the parts of each are named below."""
    names = list(dict.fromkeys(name for _, parts in rows for name in parts))
    width, each, left = 2 * _WIDTH, 34, 62 if all(len(r) < 9 for r, _ in rows) else 200
    wide = width - left - 20
    most = max((sum(parts.values()) for _, parts in rows), default=0.0) or 1.0
    lines = -(-len(names) // 4)
    bottom = _TOP + each * len(rows)
    parts_ = head(title, width, bottom + 40 + 18 * lines, left)
    for row, (label, values) in enumerate(rows):
        x, y = float(left), _TOP + each * row
        parts_.append(text(left - 5, y + 17, label, "end"))
        for name, value in values.items():
            size, place = wide * value / most, names.index(name)
            parts_.append(
                f'<rect x="{x:.1f}" y="{y}" width="{size:.1f}" height="24" stroke="#fff" '
                f'fill="{SHADES[place % len(SHADES)]}"/>'
            )
            x += size
    for tick in _ticks(0.0, most):
        x = left + wide * tick / most
        parts_.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#999" stroke-dasharray="1 3"/>')
        parts_.append(text(x, bottom + 13, f"{tick:.4g}", "middle"))
    parts_.append(text(left + wide / 2, bottom + 28, x_name, "middle"))
    total = sum(sum(values.values()) for _, values in rows) or 1.0
    for place, name in enumerate(names):
        x, y = left + (wide / 4) * (place % 4), bottom + 48 + 18 * (place // 4)
        spent = sum(values.get(name, 0.0) for _, values in rows)
        parts_.append(f'<rect x="{x:.0f}" y="{y - 9}" width="10" height="10" '
                      f'fill="{SHADES[place % len(SHADES)]}"/>')  # fmt: skip
        told = f"{name} {spent:.3g} {unit}, {100.0 * spent / total:.0f} %"
        parts_.append(text(x + 14, y, told, "start"))
    return "".join([*parts_, "</svg>"])


def matrix(
    title: str,
    x_name: str,
    y_name: str,
    values: Floats,
    form: str = ".0f",
) -> str:
    """A table of numbers, each cell darker the larger its number is; NaN is left white.

    Numbers that are too long for their cells are shown by their shade alone.
    """
    rows, columns = values.shape
    side_x = min(48.0, (_WIDTH + 80 - _LEFT) / columns)
    side_y = min(30.0, 26.0 if rows < 12 else 18.0)
    tall, wide = rows * side_y, columns * side_x
    parts = head(title, max(_WIDTH, int(_LEFT + wide + 12)), int(_TOP + tall + 44), _LEFT)
    parts += axis_names(x_name, y_name, _LEFT + wide / 2, _TOP + tall + 34, _TOP + tall / 2)
    most = float(np.nanmax(values, initial=0.0)) or 1.0
    for row in range(rows):
        parts.append(text(_LEFT - 5, _TOP + side_y * (row + 0.5) + 4, str(row), "end"))
        for column in range(columns):
            value, x, y = values[row, column], _LEFT + side_x * column, _TOP + side_y * row
            share = value / most if np.isfinite(value) else 0.0
            told = f"{value:{form}}" if np.isfinite(value) else ""
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{side_x:.1f}" '
                         f'height="{side_y:.1f}" fill="{sequential(share)}" stroke="#fff">'
                         f"<title>{told}</title></rect>")  # fmt: skip
            if told and _DIGIT * len(told) < side_x:
                ink = "#fff" if share > 0.5 else "#222"
                parts.append(text(x + side_x / 2, y + side_y / 2 + 4, told, "middle", ink))
    every = max(1, int(np.ceil(_DIGIT * (len(str(columns)) + 1) / side_x)))
    for column in range(0, columns, every):
        x = _LEFT + side_x * (column + 0.5)
        parts.append(text(x, _TOP + tall + 14, str(column), "middle"))
    return "".join([*parts, "</svg>"])


def sequential(share: float) -> str:
    """From near white at 0 to dark blue at 1: also in grey, and for the colour-blind."""
    ends = ((247, 251, 255), (8, 48, 107))
    depth = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * depth) for a, b in zip(*ends, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def head(title: str, width: int, height: int, left: float) -> list[str]:
    """The beginning of a figure, with its title."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
        f'<text x="{left}" y="16" font-size="13" font-weight="bold">{escape(title)}</text>',
    ]


def axis_names(x_name: str, y_name: str, x: float, bottom: float, y: float) -> list[str]:
    """Names of the axes, centred at x and y."""
    return [
        text(x, bottom, x_name, "middle"),
        f'<text transform="translate(14,{y:.0f}) rotate(-90)" font-size="11" '
        f'text-anchor="middle">{escape(y_name)}</text>',
    ]


def _shade(share: float) -> str:
    """White at zero, orange at 1, blue at -1; small values are lifted by a square root."""
    if not np.isfinite(share):
        return "#888"
    end = (213, 94, 0) if share > 0 else (0, 114, 178)
    depth = float(np.sqrt(min(abs(share), 1.0)))
    red, green, blue = (round(255 + (one - 255) * depth) for one in end)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _frame(title: str, x_name: str, y_name: str, *, grid: bool = True) -> list[str]:
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="{_LEFT}" y="16" font-size="13" font-weight="bold">{escape(title)}</text>',
        text(_LEFT + wide / 2, _HEIGHT - 8, x_name, "middle"),
        f'<text transform="translate(14,{_TOP + tall / 2:.0f}) rotate(-90)" font-size="11" '
        f'text-anchor="middle">{escape(y_name)}</text>',
    ]
    if grid:
        parts.append(f'<path d="M{_LEFT} {_TOP}v{tall}h{wide}" fill="none" stroke="#333"/>')
    return parts


def text(x: float, y: float, said: str, anchor: str, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(said)}</text>'
    )
