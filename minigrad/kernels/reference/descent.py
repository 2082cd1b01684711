"""Coordinate and group descent in NumPy."""

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


LOCAL_STEPS = 20  # at most so many steps in a group before the next one


def group_descent(gram, l1, l2, strength, curvature, first, w, r, *, sweeps, tolerance=0.0):
    """Minimize ½ wᵀ gram w - qᵀ w + Σ l1ⱼ|wⱼ| + l2ⱼ/2 wⱼ² + Σ strength_g ‖w_g‖ over group after group, in place.

    gram is symmetric (n, n); l1, l2, w and r are (n,). first (groups + 1,), int64, rises from 0 to n: group g is the
    coordinates from first[g] below first[g + 1]. strength and curvature are (groups,); curvature_g is at least the
    largest eigenvalue of the group's block of gram + l2, and a group where it is not above 0 stays. On entry
    r = q - gram w, and so on return. A step of a group is

        u = soft(curvature w + r - l2 w, l1),   w = u max(1 - strength / ‖u‖, 0) / curvature

    (the proximal map of both penalties: Simon et al. 2013, A sparse-group lasso). A group makes up to LOCAL_STEPS of
    them, until |step| curvature is a tenth of that of its first, or at most `tolerance`; then r outside of it follows.
    Returns the sweeps, and the largest |step| curvature of first steps in the last one: how far a coordinate was from
    its optimality condition when its turn came. Ends after `sweeps`, or when that is at most `tolerance`; NaN never is.
    """
    done, largest = 0, 0.0
    while done < sweeps and (done == 0 or not largest <= tolerance):
        largest, done = 0.0, done + 1
        for g in np.flatnonzero((curvature > 0) & (np.diff(first) > 0)):
            group = slice(first[g], first[g + 1])
            old, violation = w[group].copy(), 0.0
            for step in range(LOCAL_STEPS if len(old) > 1 else 1):
                last = _group_step(
                    gram[group, group], l1[group], l2[group], strength[g], curvature[g], w[group], r[group]
                )
                if step == 0:
                    violation = last
                if last <= 0.1 * violation or last <= tolerance:
                    break
            largest = violation if not violation <= largest else largest
            change = w[group] - old
            change = change @ gram[group]
            change[group] = 0
            r -= change
    return done, largest


def _group_step(block, l1, l2, strength, curvature, w, r):
    """One step of a group, whose r follows it: the largest |step| curvature."""
    u = shrink(curvature * w + (r - l2 * w), l1, 1.0)
    norm = np.sqrt((u.astype(np.float64) ** 2).sum())
    factor = 0.0 if norm <= strength else (1 - strength / norm) / curvature
    step = (np.zeros_like(w) if factor == 0 else (factor * u).astype(w.dtype)) - w
    w += step
    r -= step @ block
    return float(np.abs(step).max()) * float(curvature)
