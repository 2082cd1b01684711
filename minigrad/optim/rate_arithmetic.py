"""Powers and cosines by + - × ÷ alone, for rates that are the same on every machine."""

from __future__ import annotations

import math


def power(x: float, n: int) -> float:
    """xⁿ by squaring."""
    result = 1.0
    while n:
        result, x, n = (result * x if n % 2 else result), x * x, n // 2
    return result


def cos_pi(a: int, b: int) -> float:
    """cos(π a / b), within 2 ulp of 1: the angle is brought into [0, π/4] in whole numbers, where the series is short.

    >>> cos_pi(0, 7), cos_pi(1, 2), cos_pi(7, 7), round(cos_pi(1, 3), 15)
    (1.0, 0.0, -1.0, 0.5)
    """
    a = abs((a + b) % (2 * b) - b)  # cos has the period 2 π and is even
    sign = 1
    if 2 * a > b:  # cos(π - y) = -cos y
        a, sign = b - a, -1
    if 4 * a > b:  # cos(π/2 - y) = sin y = y (1 - y²/(2 3) (1 - y²/(4 5) (...)))
        y = math.pi * ((b - 2 * a) / (2 * b))
        start, last = 1, y
    else:  # cos y = 1 - y²/(1 2) (1 - y²/(3 4) (...))
        y = math.pi * (a / b)
        start, last = 0, 1.0
    series = 1.0
    for k in range(start + 16, start, -2):
        series = 1 - y * y / (k * (k - 1)) * series
    return sign * last * series
