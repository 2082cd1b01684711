"""The segment table: a model's parameters and their states as the updates see them, one row of scalars each."""

import numpy as np

# Columns of Segments.scalars. corrections are 1 - beta^t; an update that has none ignores them.
LR, L1, L2, PROX_L1, PROX_L2, DECAY, CORRECTION1, CORRECTION2 = range(8)


class Segments:
    """params[i] and states[k][i] are flat or any-shape C-contiguous arrays of one dtype, changed in place by updates.

    scalars (n, 8) float64: what may change between steps, written by the optimizer. sums (n, 2) float64: Σ|w| and Σw²
    of each parameter before the last update made while `summed` was set; without it, updates leave sums alone.
    counters (n, 2) float64, or None: what adam_update and adagrad_update advance by a step and compute the corrections
    from; with None, corrections are the caller's.
    """

    def __init__(self, params, *states):
        self.params = tuple(params)
        self.states = tuple(tuple(state) for state in states)
        self.scalars = new_scalars(len(self.params))
        self.sums = np.zeros((len(self.params), 2))
        self.summed = True
        self.counters = None


def new_scalars(n):
    """Rows without penalty, decay or correction, and a learning rate of 0."""
    scalars = np.zeros((n, 8))
    scalars[:, CORRECTION1:] = 1
    return scalars
