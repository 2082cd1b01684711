"""The segment table, which the updates take: a model's parameters and their states, with a row of scalars for each."""

import numpy as np

# Columns of Segments.scalars. The corrections are 1 - beta^t; updates without corrections ignore them.
LR, L1, L2, PROX_L1, PROX_L2, DECAY, CORRECTION1, CORRECTION2 = range(8)


class Segments:
    """params[i] and states[k][i] are C-contiguous arrays of any shape and of one dtype, changed in place by updates.

    scalars (n, 8) float64: the numbers that may change between steps, written by the optimizer. sums (n, 2) float64:
    Σ|w| and Σw² of each parameter before the last update that was made while `summed` was set; updates write sums only
    then. counters (n, 2) float64, or None: adam_update and adagrad_update advance them by one step and compute the
    corrections from them; with None, the caller writes the corrections.
    """

    def __init__(self, params, *states):
        self.params = tuple(params)
        self.states = tuple(tuple(state) for state in states)
        self.scalars = new_scalars(len(self.params))
        self.sums = np.zeros((len(self.params), 2))
        self.summed = True
        self.counters = None


def new_scalars(n):
    """n rows of scalars with a learning rate of 0 and without penalties, decay or corrections (which are 1)."""
    scalars = np.zeros((n, 8))
    scalars[:, CORRECTION1:] = 1
    return scalars
