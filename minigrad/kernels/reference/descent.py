"""Coordinate descent in NumPy."""

import numpy as np

from .penalty import shrink


def coordinate_descent(gram, l1, l2, w, r, *, sweeps, tolerance=0.0, lower=None, upper=None):
    """Minimize ½ wᵀ gram w - qᵀ w + Σ l1ⱼ|wⱼ| + l2ⱼ/2 wⱼ² over one coordinate after the other, in place.

    gram is symmetric (n, n); l1, l2, w and r are (n,). On entry r = q - gram w, and so on return: each step fⱼ of wⱼ
    subtracts fⱼ gram[j] from it, one fused multiply-add per element in native kernels. The best wⱼ beside the others is
    soft(r[j] + gram[j,j] wⱼ, l1ⱼ) / (gram[j,j] + l2ⱼ); a coordinate without curvature (gram[j,j] + l2ⱼ <= 0) stays.
    With bounds (n,), lower <= 0 <= upper, infinite where there is none, it is the nearest number within them.
    Returns the sweeps done and the largest |fⱼ| (gram[j,j] + l2ⱼ) of the last one: how far a coordinate was from its
    optimality condition when its turn came. Ends after `sweeps`, or when that is at most `tolerance`; NaN never is.
    """
    done, largest = 0, 0.0
    while done < sweeps and (done == 0 or not largest <= tolerance):
        largest, done = 0.0, done + 1
        for j in np.flatnonzero(np.diagonal(gram) + l2 > 0):
            d = gram[j, j] + l2[j]
            new = shrink(r[j] + gram[j, j] * w[j], l1[j], d)
            if lower is not None:
                new = lower[j] if new < lower[j] else upper[j] if new > upper[j] else new
            step = new - w[j]
            w[j] = new
            if step != 0:
                r -= step * gram[j]
                violation = abs(float(step)) * float(d)
                largest = violation if not violation <= largest else largest
    return done, largest
