"""Normalization in NumPy: (x - mean) / standard deviation, its gradients, and running moments.

x is (samples, channels, inner). The channels are divided into `groups`, and a row is all numbers of one group in one
sample; a channel is all its numbers in all samples. mean, var and rstd are float64. weight and bias have one number for
each channel.
"""

import numpy as np


def _in_groups(x, groups):
    """x as (rows, numbers of a row)."""
    return x.reshape(x.shape[0] * groups, x.shape[1] // groups * x.shape[2])


def _by_channel(a, default, dtype):
    return dtype.type(default) if a is None else a.reshape(1, -1, 1)


def _xhat(x, mean, rstd, groups):
    """(x - mean) rstd, with mean and rstd of each row, or of each channel if groups is None."""
    if groups is None:
        return (x - mean.reshape(1, -1, 1)) * rstd.reshape(1, -1, 1)
    return ((_in_groups(x, groups) - mean.reshape(-1, 1)) * rstd.reshape(-1, 1)).reshape(x.shape)


def standardize_rows(x, out, mean, rstd, *, weight=None, bias=None, groups=1, eps, center=True):
    """out = xhat weight + bias by rows, xhat = (x - mean) rstd, rstd = 1/√(var + eps); the mean is 0 without center.

    mean and rstd (samples * groups) are written; var is Σ (x - mean)² / n.
    """
    rows = _in_groups(x, groups).astype(np.float64)
    mean[...] = rows.mean(1).reshape(mean.shape) if center else 0
    rstd[...] = (1 / np.sqrt(np.square(rows - mean.reshape(-1, 1)).mean(1) + x.dtype.type(eps))).reshape(rstd.shape)
    xhat = _xhat(x, mean, rstd, groups)
    out[...] = xhat * _by_channel(weight, 1, x.dtype) + _by_channel(bias, 0, x.dtype)


def standardize_rows_grad(
    g, x, mean, rstd, out, *, weight=None, weight_grad=None, bias_grad=None, groups=1, center=True
):
    """out = rstd (h - Σ h / n - xhat Σ h xhat / n) by rows of n numbers, h = g weight; without center, no Σ h / n.

    weight_grad = Σ g xhat and bias_grad = Σ g over each channel: both are given, or neither.
    """
    xhat = _xhat(x, mean, rstd, groups)
    h = _in_groups(g * _by_channel(weight, 1, x.dtype).astype(np.float64), groups)
    level, own = h.mean(1, keepdims=True) if center else 0, _in_groups(xhat, groups)
    made = (h - level - own * (h * own).mean(1, keepdims=True)) * rstd.reshape(-1, 1)
    if weight_grad is not None:
        weight_grad[...] = (g * xhat).sum((0, 2)).reshape(weight_grad.shape)
        bias_grad[...] = g.sum((0, 2), dtype=np.float64).reshape(bias_grad.shape)
    out[...] = made.reshape(x.shape)


def standardize_channels(x, out, mean, var, rstd, *, weight=None, bias=None, eps, given=False):
    """out = xhat weight + bias, xhat = (x - mean) rstd, rstd = 1/√(var + eps) of each channel.

    mean, var = Σ (x - mean)² / n and rstd are written; with `given`, mean and var are read instead.
    """
    if not given:
        wide = x.astype(np.float64)
        mean[...] = wide.mean((0, 2)).reshape(mean.shape)
        var[...] = np.square(wide - mean.reshape(1, -1, 1)).mean((0, 2)).reshape(var.shape)
    rstd[...] = 1 / np.sqrt(var + x.dtype.type(eps)).reshape(rstd.shape)
    out[...] = _xhat(x, mean, rstd, None) * _by_channel(weight, 1, x.dtype) + _by_channel(bias, 0, x.dtype)


def standardize_channels_grad(g, x, mean, rstd, out, weight_grad, bias_grad, *, weight=None, given=False):
    """out = weight rstd (g - Σ g / n - xhat Σ g xhat / n) by channels of n numbers; weight rstd g with `given`.

    weight_grad = Σ g xhat and bias_grad = Σ g over each channel.
    """
    xhat = _xhat(x, mean, rstd, None)
    sums, products = g.sum((0, 2), dtype=np.float64), (g * xhat).sum((0, 2))
    n = x.shape[0] * x.shape[2]
    made = g if given else g - sums.reshape(1, -1, 1) / n - xhat * (products.reshape(1, -1, 1) / n)
    out[...] = made * (_by_channel(weight, 1, x.dtype) * rstd.reshape(1, -1, 1))
    weight_grad[...] = products.reshape(weight_grad.shape)
    bias_grad[...] = sums.reshape(bias_grad.shape)


def running_moments(mean, var, running_mean, running_var, count, *, momentum, correction):
    """count += 1; running = (1 - share) running + share new, for mean, and for var times correction.

    share is momentum; if that is None, share is 1 / count, and running is the mean over all calls.
    """
    count += 1
    share = 1 / int(count.flat[0]) if momentum is None else float(running_mean.dtype.type(momentum))
    for running, new in ((running_mean, mean), (running_var, var * correction)):
        running[...] = (1 - share) * running.astype(np.float64) + share * new.reshape(running.shape)
