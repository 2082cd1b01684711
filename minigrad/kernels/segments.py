"""The segment table: a model's parameters and their states as the updates see them, one row of scalars each."""

import numpy as np

# Columns of Segments.scalars. corrections are 1 - beta^t; an update that has none ignores them.
LR, L1, L2, PROX_L1, PROX_L2, DECAY, CORRECTION1, CORRECTION2 = range(8)


class Segments:
    """params[i] and states[k][i] are flat or any-shape C-contiguous arrays of one dtype, changed in place by updates.

    scalars (n, 8) float64: what may change between steps, written by the optimizer. sums (n, 2) float64: Σ|w| and Σw²
    of each parameter before the last update.
    """

    def __init__(self, params, *states):
        self.params = params
        self.states = states
        self.scalars = np.zeros((len(params), 8))
        self.scalars[:, CORRECTION1:] = 1
        self.sums = np.zeros((len(params), 2))

    def rows(self, grads):
        """(i, parameter, gradient, states, scalars) of every segment to update; sums of the others are filled here."""
        for i, (w, g) in enumerate(zip(self.params, grads, strict=True)):
            if g is False:
                w64 = w.astype(np.float64)
                self.sums[i] = np.abs(w64).sum(), (w64 * w64).sum()
            else:
                g = np.zeros_like(w) if g is None else g
                yield i, w, g, [state[i] for state in self.states], self.scalars[i]
