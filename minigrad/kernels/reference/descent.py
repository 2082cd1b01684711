"""Coordinate and group descent in NumPy."""

import numpy as np

from .penalty import shrink


def coordinate_descent(gram, l1, l2, w, r, *, sweeps, tolerance=0.0, lower=None, upper=None):
    """Minimize ½ wᵀ gram w - qᵀ w + Σ l1ⱼ|wⱼ| + l2ⱼ/2 wⱼ² over one coordinate after the other, in place.

    gram is symmetric (n, n); l1, l2, w and r are (n,). The caller passes r = q - gram w, and the kernel updates r: when
    wⱼ changes by fⱼ, it subtracts fⱼ gram[j] from r, by one fused multiply-add per element in native kernels. With all
    other coordinates fixed, the best wⱼ is soft(r[j] + gram[j,j] wⱼ, l1ⱼ) / (gram[j,j] + l2ⱼ); a coordinate without
    curvature (gram[j,j] + l2ⱼ <= 0) stays. With bounds (n,), lower <= 0 <= upper (infinite for no bound), wⱼ is the
    number within its bounds that is nearest to that.

    Returns the number of sweeps and the violation of the last one: the largest |fⱼ| (gram[j,j] + l2ⱼ), which says how
    far a coordinate was from its optimality condition just before its step. It ends after `sweeps`, or when the
    violation is at most `tolerance`, which a violation of NaN never is.
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


LOCAL_STEPS = 20  # the most steps that a group makes before the next group


def group_descent(gram, l1, l2, strength, curvature, first, w, r, *, sweeps, tolerance=0.0):
    """Minimize ½ wᵀ gram w - qᵀ w + Σ l1ⱼ|wⱼ| + l2ⱼ/2 wⱼ² + Σ strength_g ‖w_g‖ over group after group, in place.

    gram is symmetric (n, n); l1, l2, w and r are (n,). first (groups + 1,), int64, rises from 0 to n: group g holds the
    coordinates first[g] <= j < first[g + 1]. strength and curvature are (groups,); curvature_g is at least the largest
    eigenvalue of the group's block of gram + l2, and a group whose curvature is not above 0 stays. The caller passes
    r = q - gram w, and the kernel updates r. A step of a group is

        u = soft(curvature w + r - l2 w, l1),   w = u max(1 - strength / ‖u‖, 0) / curvature

    (the proximal map of both penalties: Simon et al. 2013, A sparse-group lasso). A group makes up to LOCAL_STEPS of
    them, until the largest |step| curvature is a tenth of that of its first step, or at most `tolerance`; then r is
    updated outside of the group.

    Returns the number of sweeps and the violation of the last one: the largest |step| curvature of the first steps in
    its groups, which says how far a coordinate was from its optimality condition just before. It ends after `sweeps`,
    or when the violation is at most `tolerance`, which a violation of NaN never is.
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
    """One step of a group: updates its w and its part of r, and returns the largest |step| curvature."""
    u = shrink(curvature * w + (r - l2 * w), l1, 1.0)
    norm = np.sqrt((u.astype(np.float64) ** 2).sum())
    factor = 0.0 if norm <= strength else (1 - strength / norm) / curvature
    step = (np.zeros_like(w) if factor == 0 else (factor * u).astype(w.dtype)) - w
    w += step
    r -= step @ block
    return float(np.abs(step).max()) * float(curvature)
