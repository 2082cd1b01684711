"""The sparse group penalty Σ l1|v| + Σ strength_g ‖v_g‖ + ½ Σ l2 v²: its dual norm, and descent over groups.

Yuan, Lin 2006, Model selection and estimation in regression with grouped variables, J. R. Statist. Soc. B 68; Simon,
Friedman, Hastie, Tibshirani 2013, A sparse-group lasso, J. Comput. Graph. Statist. 22.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .. import kernels as K
from .column_products import REAL, dot, product
from .columns import LEAST, SWEEPS, WHOLE, Quadratic
from .least_squares import solve

BISECTIONS = 2200  # halvings of an interval of floats until its ends are neighbours, at the very most
SQUARINGS = 5  # of a group's second derivatives, for a bound of their largest eigenvalue: within 4% for ten columns
AT_ONCE, SLOW = 50, 300  # sweeps in a call; sweeps after which Newton steps on coefficients that are not 0 are tried
POLISH, ACTIVE = 8, 512  # such steps at once, and the most coefficients that they are made for


class Groups:
    """A partition of columns into groups, `columns[g]` those of group g, and norms over them.

    >>> groups = Groups([[0, 2], [1]])
    >>> groups.norms(np.array([3.0, -5.0, 4.0])).tolist(), groups.labels.tolist()
    ([5.0, 5.0], [0, 1, 0])
    """

    def __init__(self, columns: Sequence[Sequence[int]]) -> None:
        self.columns = [np.asarray(each, np.intp) for each in columns]
        self.sizes = np.array([len(each) for each in self.columns])
        self.labels = np.zeros(int(self.sizes.sum()), np.intp)
        for g, each in enumerate(self.columns):
            self.labels[each] = g
        self._alike = []  # of each size: the groups of this size, and their columns as rows
        for size in sorted(set(self.sizes.tolist())):
            which = np.flatnonzero(self.sizes == size)
            self._alike.append((which, np.array([self.columns[g] for g in which]).reshape(len(which), size)))

    def norms(self, z: np.ndarray) -> np.ndarray:
        """‖z_g‖ of each group, (groups,), for z (columns,)."""
        found = np.zeros(len(self.columns))
        for which, columns in self._alike:
            out = K.empty((len(which),), REAL)
            K.group_norm(np.ascontiguousarray(z[columns]), out, 1, 2)
            found[which] = out
        return found

    def largest(self, z: np.ndarray) -> np.ndarray:
        """The largest of z in each group, (groups,)."""
        found = np.zeros(len(self.columns))
        for which, columns in self._alike:
            found[which] = z[columns].max(1)
        return found


def soft(z: np.ndarray, l1: np.ndarray) -> np.ndarray:
    """sign(z) max(|z| - l1, 0)."""
    return np.sign(z) * np.maximum(np.abs(z) - l1, 0.0)


def least_strength(groups: Groups, z: np.ndarray, l1: np.ndarray, strength: np.ndarray) -> float:
    """The least k >= 0 with ‖soft(z_g, k l1_g)‖ <= k strength_g in every group: the dual norm of z.

    z and l1 are (columns,), strength is (groups,). Found by halving an interval until its ends are neighbouring
    numbers; the upper one, for which it holds, is returned. inf where a group without penalty has a z.

    >>> pair = Groups([[0, 1]])
    >>> least_strength(pair, np.array([3.0, 4.0]), np.zeros(2), np.array([2.0])), least_strength(
    ...     pair, np.array([3.0, -4.0]), np.ones(2), np.zeros(1))
    (2.5, 4.0)
    """
    sizes, most = groups.norms(z), groups.largest(l1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = np.where(sizes == 0, 0.0, np.minimum(sizes / strength, _reach(groups, z, l1)))
    if np.isinf(bounds).any() or not (strength + most > 0).any():
        return math.inf if bounds.any() else 0.0
    if not l1.any():
        return _least_multiple(sizes, strength)
    low, high = 0.0, float(bounds.max(initial=0.0)) * (1 + 1e-12)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if (groups.norms(soft(z, middle * l1)) <= middle * strength).all():
            high = middle
        else:
            low = middle
    return high


def _least_multiple(sizes: np.ndarray, strength: np.ndarray) -> float:
    """The least number k with sizes <= k strength, as floating point multiplies: the largest ratio, or next to it.

    >>> _least_multiple(np.array([3.0, 1.0]), np.array([2.0, 1.0]))
    1.5
    """
    k = float((sizes / np.where(strength > 0, strength, 1.0)).max(initial=0.0))  # 0 / 0 is 0 here
    while (sizes > k * strength).any():
        k = math.nextafter(k, math.inf)
    while k > 0 and (sizes <= math.nextafter(k, 0.0) * strength).all():
        k = math.nextafter(k, 0.0)
    return k


def _reach(groups: Groups, z: np.ndarray, l1: np.ndarray) -> np.ndarray:
    """For each group the least k with |z| <= k l1 in all of it; inf where an l1 is 0 and z is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return groups.largest(np.where(z == 0, 0.0, np.abs(z) / l1))


class SparseGroups:
    """The penalty of v (1, columns), as a Penalty of newton.py; an intercept is a group of its own without strength.

    l1, l2      (columns,); l2 is one number within a group
    strength    (groups,)
    """

    def __init__(self, groups: Groups, l1: np.ndarray, l2: np.ndarray, strength: np.ndarray, intercept: int) -> None:
        self.groups, self.l1, self.l2, self.strength = groups, l1, l2, strength
        largest = groups.largest(l1 + l2) + strength
        self.loose = largest == 0  # groups that are not penalized
        self.free = int(self.loose.sum()) > intercept

    def value(self, v: np.ndarray) -> float:
        w = v[0]
        norms = dot(self.strength, self.groups.norms(w))
        return dot(self.l1, np.abs(w)) + norms + 0.5 * dot(self.l2, w * w)

    def violations(self, w: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Those of each group, (groups,), where slope (columns,) is minus the gradient of all that is smooth."""
        norms = self.groups.norms(w)
        pull = np.where(norms > 0, self.strength / np.where(norms > 0, norms, 1.0), 0.0)[self.groups.labels]
        on = np.abs(slope - self.l1 * np.sign(w) - pull * w)
        inside = self.groups.largest(np.where(w != 0, on, np.maximum(np.abs(slope) - self.l1, 0.0)))
        zero = np.maximum(self.groups.norms(soft(slope, self.l1)) - self.strength, 0.0)
        return np.where(norms > 0, inside, zero)

    def violation(self, v: np.ndarray, slope: np.ndarray) -> float:
        return float(self.violations(v[0], slope[0] - self.l2 * v[0]).max())

    def improve(self, quadratic: Quadratic, v: np.ndarray, sweeps: int, tolerance: float) -> int:
        """Descent over a working set of groups, which those outside join that violate their condition most."""
        w = v[0]
        inside = (self.groups.norms(w) > 0) | self.loose
        done, largest = 0, math.inf
        while True:
            slope = quadratic.slopes(quadratic.rows)[0] - self.l2 * w
            off = np.where(inside, 0.0, self.violations(w, slope))
            outside = float(off.max())
            if (outside <= tolerance and largest <= tolerance) or done >= sweeps or not math.isfinite(outside):
                return done
            joining = np.argsort(-off, kind="stable")[: max(LEAST // 4, int(inside.sum()))]
            inside[joining[off[joining] > tolerance]] = True
            if not inside.any():
                return done
            spent, largest = self._settle(quadratic, w, inside, sweeps - done, max(tolerance, 0.1 * outside))
            done += spent

    def _settle(
        self, quadratic: Quadratic, w: np.ndarray, inside: np.ndarray, sweeps: int, goal: float
    ) -> tuple[int, float]:
        """Sweeps over these groups until the largest violation met in one is at most `goal`; both."""
        which = np.flatnonzero(inside)
        parts = np.split(which, np.flatnonzero(np.diff(np.cumsum(self.groups.sizes[which]) // WHOLE)) + 1)
        blocks = [GroupBlock(self, quadratic, w, part) for part in parts]
        at_once = AT_ONCE if len(blocks) == 1 else 1
        done, largest = 0, math.inf
        while done < sweeps and not largest <= goal:
            largest, most = 0.0, 0
            for block in blocks:
                swept, violation = block.sweep(quadratic, min(at_once, sweeps - done), goal)
                most, largest = max(most, swept), violation if not violation <= largest else largest
            done += most
            if len(blocks) == 1 and largest > goal and SLOW <= done < SLOW + SWEEPS:
                blocks[0].polish(quadratic, goal)
        for block in blocks:
            w[block.index] = block.w
        return done, largest

    def room(self, slope: np.ndarray) -> float:
        tight = (self.groups.largest(self.l2) == 0) & ~self.loose
        z = np.where(tight[self.groups.labels], slope[0], 0.0)
        k = least_strength(self.groups, z, self.l1, self.strength)
        return 1.0 if k <= 1 else 1 / k

    def conjugate(self, slope: np.ndarray) -> float:
        over = np.maximum(self.groups.norms(soft(slope[0], self.l1)) - self.strength, 0.0)
        l2 = self.groups.largest(self.l2)
        return 0.5 * dot(over, np.where(l2 > 0, over / np.where(l2 > 0, l2, 1.0), 0.0))


class GroupBlock:
    """Some groups of a quadratic: their columns side by side, their coefficients, strengths and second derivatives."""

    def __init__(self, net: SparseGroups, quadratic: Quadratic, w: np.ndarray, which: np.ndarray) -> None:
        groups = [net.groups.columns[g] for g in which]
        self.index = np.concatenate(groups)
        self.first = np.concatenate([[0], np.cumsum([len(each) for each in groups])]).astype(np.int64)
        self.columns = np.ascontiguousarray(quadratic.rows[:, self.index])
        grams = getattr(quadratic, "grams", None)
        self.gram = quadratic.gram(self.columns) if grams is None else grams.of(quadratic, self.index, self.columns)
        self.w, self.l1, self.l2 = (np.ascontiguousarray(each[self.index]) for each in (w, net.l1, net.l2))
        self.strength = np.ascontiguousarray(net.strength[which])
        self.parts = [slice(int(a), int(b)) for a, b in zip(self.first[:-1], self.first[1:])]
        known: dict[int, float] = {} if grams is None else grams.bounds
        for g, part in zip(which.tolist(), self.parts):
            if g not in known:
                known[g] = eigenvalue_bound(self.gram[part, part])
        self.top = np.array([known[g] for g in which.tolist()]) + self.l2[self.first[:-1]]

    def sweep(self, quadratic: Quadratic, sweeps: int, goal: float) -> tuple[int, float]:
        """At most so many sweeps; how many, and the largest violation met in the last one."""
        before, r = self.w.copy(), np.ascontiguousarray(quadratic.slopes(self.columns)[0])
        done, largest = K.group_descent(
            self.gram, self.l1, self.l2, self.strength, self.top, self.first, self.w, r, sweeps=sweeps, tolerance=goal
        )
        if largest:
            quadratic.move(self.columns, (self.w - before).reshape(1, -1))
        return done, largest

    def polish(self, quadratic: Quadratic, goal: float) -> None:
        """Newton steps on the coefficients that are not 0, as long as they keep their signs and halve the slope.

        There the penalty is smooth. Groups with nearly dependent columns would take many thousand sweeps.
        """
        at = np.flatnonzero(
            (self.w != 0) | np.repeat(self.strength + self.l1[self.first[:-1]] == 0, np.diff(self.first))
        )
        if not 0 < at.size <= ACTIVE:
            return
        before, r = self.w.copy(), np.ascontiguousarray(quadratic.slopes(self.columns)[0])
        slope, bend = self._smooth(self.w, r)
        for _ in range(POLISH):
            size = float(np.abs(slope[at]).max())
            if size <= goal:
                break
            step = np.zeros(len(self.w))
            step[at] = solve(np.ascontiguousarray((self.gram + bend)[np.ix_(at, at)]), np.array(slope[at]), 0.0)
            new = self.w + step
            left = r - product(self.gram, step.reshape(-1, 1))[:, 0]
            if ((np.sign(new) != np.sign(self.w)) & (self.l1 > 0)).any():
                break
            smooth = self._smooth(new, left)
            if not float(np.abs(smooth[0][at]).max()) <= 0.5 * size:
                break
            self.w, r, (slope, bend) = new, left, smooth
        quadratic.move(self.columns, (self.w - before).reshape(1, -1))

    def _smooth(self, w: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Minus the gradient at w, where the correlations are r, and the second derivatives of the penalty, (k, k)."""
        slope, bend = r - self.l2 * w - self.l1 * np.sign(w), np.zeros(self.gram.shape)
        for part, strength in zip(self.parts, self.strength.tolist()):
            own = np.array(w[part])
            square = dot(own, own)
            diagonal = np.diag(self.l2[part])
            if square and strength:
                norm = math.sqrt(square)
                slope[part] -= strength / norm * own
                diagonal += strength / norm * (np.eye(len(own)) - np.multiply.outer(own, own) / square)
            bend[part, part] = diagonal
        return slope, bend


def eigenvalue_bound(a: np.ndarray) -> float:
    """An upper bound of the largest eigenvalue of a symmetric positive matrix: ‖aᵏ‖^(1/k) for k = 32, by squaring.

    >>> bound = eigenvalue_bound(np.diag([1.0, 2.0, 3.0]))
    >>> 3.0 <= bound < 3.1
    True
    """
    if len(a) == 1:
        return float(a[0, 0])
    a = np.ascontiguousarray(a)
    scales = []
    for i in range(SQUARINGS + 1):
        scale = math.sqrt(dot(a, a))
        if scale == 0:
            return 0.0
        scales.append(scale)
        a = a / scale
        if i < SQUARINGS:
            a = product(a, a)
    bound = scales.pop()
    while scales:
        bound = scales.pop() * math.sqrt(bound)
    return bound * (1 + 1e-12)
