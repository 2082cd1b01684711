"""Functions of one number or two in NumPy: elementwise, any strides, broadcast to out.

The native kernels compute in float64 (exponential.h, trigonometric.h, float32_functions.h in src_c/math) and round
once, so that float32 results are correctly rounded except in rare cases near the middle of two floats. Only erf,
normal_cdf (erf.h: 1.5 and 3 ulp of float32) and GELU (gelu.h) compute float32 in float32. The bounds below are those of
float64.
"""

import math

import numpy as np


def expm1(x, out):
    """out = eˣ - 1, accurate near 0; within 2 ulp."""
    np.expm1(x, out=out)


def log1p(x, out):
    """out = ln(1 + x), accurate near 0; -inf at -1, NaN below; within 2 ulp."""
    np.log1p(x, out=out)


def log2(x, out):
    """out = log₂ x; -inf at 0, NaN below; exact for powers of 2; within 2 ulp."""
    np.log2(x, out=out)


def sin(x, out):
    """out = sin x, x in radians of any size; NaN of an infinity; within 2 ulp."""
    np.sin(x, out=out)


def cos(x, out):
    """out = cos x, x in radians of any size; NaN of an infinity; within 2 ulp."""
    np.cos(x, out=out)


def tan(x, out):
    """out = tan x, x in radians of any size; NaN of an infinity; within 3 ulp."""
    np.tan(x, out=out)


def sinh(x, out):
    """out = (eˣ - e⁻ˣ) / 2, accurate near 0; within 3 ulp."""
    np.sinh(x, out=out)


def cosh(x, out):
    """out = (eˣ + e⁻ˣ) / 2; within 3 ulp."""
    np.cosh(x, out=out)


def asinh(x, out):
    """out = ln(x + √(x² + 1)), accurate near 0 and without overflow; within 3 ulp."""
    np.arcsinh(x, out=out)


def atan(x, out):
    """out = the angle in [-π/2, π/2] whose tangent is x; within 2 ulp."""
    np.arctan(x, out=out)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def erf(x, out):
    """out = 2/√π ∫₀ˣ exp(-t²) dt; within 2 ulp."""
    np.copyto(out, _erf(x), casting="same_kind")


def normal_cdf(x, out):
    """out = (1 + erf(x/√2)) / 2, the probability of a standard normal number below x; within 2⁻⁵² of the truth."""
    np.copyto(out, 0.5 + 0.5 * _erf(np.multiply(x, 0.5**0.5, dtype=np.float64)), casting="same_kind")


def softplus(x, out):
    """out = ln(1 + eˣ) without overflow; within 2 ulp."""
    np.copyto(out, np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def floor(x, out):
    """out = the largest whole number ≤ x."""
    np.floor(x, out=out)


def ceil(x, out):
    """out = the smallest whole number ≥ x."""
    np.ceil(x, out=out)


def pow(a, b, out):
    """out = aᵇ; 1 for b = 0 and for a = 1, NaN for a < 0 and b not whole; within 2 ulp."""
    np.power(a, b, out=out)


def atan2(a, b, out):
    """out = the angle in [-π, π] of the point (b, a), by the signs of zeros too; within 2 ulp."""
    np.arctan2(a, b, out=out)


def hypot(a, b, out):
    """out = √(a² + b²) without overflow; inf if either is infinite; within 2 ulp."""
    np.hypot(a, b, out=out)


def logaddexp(a, b, out):
    """out = ln(eᵃ + eᵇ) without overflow: max(a, b) + ln(1 + exp(-|a - b|)), each within 2 ulp."""
    np.logaddexp(a, b, out=out)


def maximum(a, b, out):
    """out = a if a ≥ b else b; NaN if either is."""
    np.copyto(out, np.where(np.greater_equal(a, b) | np.isnan(a), a, b))


def minimum(a, b, out):
    """out = a if a ≤ b else b; NaN if either is."""
    np.copyto(out, np.where(np.less_equal(a, b) | np.isnan(a), a, b))


def step(a, b, out):
    """out = 1 where a > b, 1/2 where a = b, 0 where a < b; NaN if either is."""
    np.copyto(out, np.where(np.isnan(a) | np.isnan(b), np.nan, (1.0 * np.greater(a, b) + np.greater_equal(a, b)) / 2))


def leaky_relu(x, slope, out):
    """out = x where x > 0, else slope x."""
    np.copyto(out, np.where(np.greater(x, 0), x, np.multiply(slope, x, dtype=out.dtype)))


def leaky_slope(x, slope, out):
    """out = 1 where x > 0, slope where x ≤ 0, NaN where x is."""
    np.copyto(out, np.where(np.greater(x, 0), 1.0, np.where(np.isnan(x), x, slope)), casting="same_kind")


def gelu(x, out):
    """out = x Φ(x), Φ the normal distribution function."""
    normal_cdf(x, cdf := np.empty_like(out))
    np.multiply(x, cdf, out=out)


def gelu_grad(g, x, out):
    """out = g (Φ(x) + x φ(x)), the slope of gelu; φ = Φ' = exp(-x²/2) / √(2π)."""
    normal_cdf(x, cdf := np.empty_like(out))
    density = np.exp(-0.5 * np.square(np.clip(x, -40, 40))) * (2 * math.pi) ** -0.5
    np.multiply(g, cdf + x * density, out=out)


def _gelu_sigmoid(x):
    """s(x (c + d x²)) and the slope of its argument, for the logistic s; c = 2 √(2/π), d = 0.044715 c."""
    c, square = 2 * (2 / math.pi) ** 0.5, np.square(np.clip(x, -100, 100))
    return 0.5 + 0.5 * np.tanh(0.5 * x * (c + 0.044715 * c * square)), c + 3 * 0.044715 * c * square


def gelu_tanh(x, out):
    """out = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) = x s(2 √(2/π) (x + 0.044715 x³)), s the logistic function."""
    np.multiply(x, _gelu_sigmoid(x)[0], out=out)


def gelu_tanh_grad(g, x, out):
    """out = g times the slope of gelu_tanh: s + x s (1 - s) times the slope of the argument of s."""
    s, slope = _gelu_sigmoid(x)
    np.multiply(g, s + x * (s * (1 - s) * slope), out=out)


def where(condition, a, b, out):
    """out = a where the condition holds, else b; the condition is a boolean array, or one boolean."""
    np.copyto(out, np.where(condition, a, b))
