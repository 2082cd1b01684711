"""The vectors by which ONNX tests its operators, for the operators that layers compute: inputs, attributes, outputs.

Each case of onnx.backend.test.case.node is one node. A function here says what the node is in minigrad; OUTSIDE says of
each case that is not compared why it is none of these layers.
"""

import warnings

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.peers

OUTSIDE = {  # a part of the name of a case -> why it is not compared
    "3d_d": "three-dimensional pooling",
    "convtranspose_3d": "three-dimensional convolution",
    "averagepool_2d_dilations": "PyTorch's average pooling has no dilation, and so minigrad's has none",
    "uint8": "pooling of bytes",
    "peepholes": "peephole weights",
    "gru_seq_length": "the reset gate acts before the product (linear_before_reset 0); cuDNN's and PyTorch's after it",
    "gru_reverse": "the reset gate acts before the product",
    "gru_bidirectional": "the reset gate acts before the product",
    "gather_1": "an index of another dimension than the first",
    "gather_2d_indices": "an index of another dimension than the first",
    "gather_negative_indices": "an embedding takes indices from 0",
    "_gqa": "fewer heads of keys than of queries",
    "fp16": "float16",
    "bf16": "bfloat16",
    "float16": "float16",
    "softcap": "a cap on the scores",
    "softmax_precision": "float16",
    "past": "keys and values of earlier steps",
    "qk_matmul": "the scores themselves as an output",
    "local_window": "a window on the keys",
    "bidirectional_window": "a window on the keys",
    "nonpad": "lengths of the keys",
    "padded_kv": "lengths of the keys",
}
BOUND = 2e-5  # relative to the largest number of an output
FOUR_DIGITS = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}  # outputs are written with four digits


def case_of(attributes, key, default):
    return list(attributes.get(key, default))


def unpadded(x, weight_shape, attributes):
    """Widths before and behind each place of x that pads or auto_pad ask for, for a window of weight_shape."""
    n = len(weight_shape)
    strides, dilations = case_of(attributes, "strides", [1] * n), case_of(attributes, "dilations", [1] * n)
    kind = attributes.get("auto_pad", b"NOTSET").decode()
    if not kind.startswith("SAME"):
        pads = case_of(attributes, "pads", [0] * 2 * n)
        return list(zip(pads[:n], pads[n:])), strides, dilations
    found = []
    for size, window, stride, dilation in zip(x.shape[2:], weight_shape, strides, dilations):
        total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
        found.append((total // 2, total - total // 2) if kind == "SAME_UPPER" else (total - total // 2, total // 2))
    return found, strides, dilations


def bordered(x, widths, value, window=None):
    """x with borders, and the padding that is left for the op: even borders, of pooling at most half of the window."""
    if all(a == b for a, b in widths) and (window is None or all(a <= w // 2 for w, (a, _) in zip(window, widths))):
        return x, [before for before, _ in widths]
    flat = [w for pair in reversed(widths) for w in pair]
    return mg.pad(x, flat, value=value), [0] * len(widths)


def conv(attributes, x, weight, bias=None):
    widths, strides, dilations = unpadded(x, weight.shape[2:], attributes)
    x, padding = bordered(x, widths, 0.0)
    op = mg.conv1d if x.ndim == 3 else mg.conv2d
    return (
        op(x, weight, bias, stride=strides, padding=padding, dilation=dilations, groups=attributes.get("group", 1)),
    )


def conv_transpose(attributes, x, weight, bias=None):
    n = x.ndim - 2
    strides, dilations = case_of(attributes, "strides", [1] * n), case_of(attributes, "dilations", [1] * n)
    more = case_of(attributes, "output_padding", [0] * n)
    full = [(s - 1) * k + (w - 1) * d + 1 for s, w, k, d in zip(x.shape[2:], weight.shape[2:], strides, dilations)]
    pads = case_of(attributes, "pads", [0] * 2 * n)
    cuts = list(zip(pads[:n], pads[n:]))
    if "auto_pad" in attributes or "output_shape" in attributes:
        want = attributes.get("output_shape", [s * k for s, k in zip(x.shape[2:], strides)])
        more = [max(w - f, 0) for w, f in zip(want, full)]
        cuts = [((f + m - w) // 2, (f + m - w + 1) // 2) for w, f, m in zip(want, full, more)]
    op, groups = mg.conv_transpose1d if n == 1 else mg.conv_transpose2d, attributes.get("group", 1)
    options = {"stride": strides, "output_padding": more, "groups": groups, "dilation": dilations}
    if all(a == b for a, b in cuts):
        return (op(x, weight, bias, padding=[a for a, _ in cuts], **options),)
    return (mg.pad(op(x, weight, bias, **options), [-w for pair in reversed(cuts) for w in pair]),)


def max_pool(attributes, x):
    window = attributes["kernel_shape"]
    widths, strides, dilations = unpadded(x, window, attributes)
    x, padding = bordered(x, widths, -np.inf, window)
    op, ceil = mg.max_pool1d if x.ndim == 3 else mg.max_pool2d, bool(attributes.get("ceil_mode", 0))
    y, places = op(x, window, strides, padding, dilations, ceil, return_indices=True)
    places = places.data
    if attributes.get("storage_order", 0):  # places counted down the columns
        places = places % x.shape[3] * x.shape[2] + places // x.shape[3]
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2] + (1,) * (x.ndim - 2))
    return y, places + planes * np.prod(x.shape[2:])  # counted through all planes


def average_pool(attributes, x):
    window = attributes["kernel_shape"]
    widths, strides, _ = unpadded(x, window, attributes)
    op, ceil = mg.avg_pool1d if x.ndim == 3 else mg.avg_pool2d, bool(attributes.get("ceil_mode", 0))
    count = bool(attributes.get("count_include_pad", 0))
    total, padding = bordered(x, widths, 0.0, window)
    if total is x:
        return (op(x, window, strides, padding, ceil, count),)
    counted, _ = bordered(mg.ones(*x.shape), widths, float(count), window)
    return (op(total, window, strides) / op(counted, window, strides),)


def batch_norm(attributes, x, scale, bias, mean, var):
    eps, training = attributes.get("epsilon", 1e-5), bool(attributes.get("training_mode", 0))
    if not training:
        return (mg.batch_norm(x, mean, var, scale, bias, False, eps=eps),)
    # ONNX's momentum is the share of the old, and its running variance is divided by n: PyTorch's by n - 1.
    n, old = x.size // x.shape[1], var.data.copy()
    y = mg.batch_norm(x, mean, var, scale, bias, True, 1 - attributes.get("momentum", 0.9), eps)
    return y, mean, old * 0.9 + (var.data - old * 0.9) * (n - 1) / n


def layer_norm(attributes, x, scale, bias=None):
    axis, eps = attributes.get("axis", -1) % x.ndim, attributes.get("epsilon", 1e-5)
    y = mg.layer_norm(x, x.shape[axis:], scale, bias, eps)
    rows = x.data.astype(np.float64).reshape(*x.shape[:axis], *([1] * (x.ndim - axis - 1)), -1)
    var = rows.var(-1, keepdims=True)
    return y, rows.mean(-1, keepdims=True), 1 / np.sqrt(var + eps)


def recurrent(op, gates):
    """A function for RNN, LSTM or GRU; gates are the places of minigrad's gates among ONNX's."""

    def turned(w):
        """(gates · width, in) in ONNX's order to (in, gates · width) in minigrad's."""
        parts = np.split(w.data, len(gates), axis=0)
        return mg.tensor(np.concatenate([parts[g] for g in gates], 0).T.copy())

    def run(attributes, x, w, r, b=None, lengths=None, h=None, c=None):
        batch_first = bool(attributes.get("layout", 0))
        x = mg.transpose(x, 0, 1) if batch_first else x
        kind = attributes.get("direction", b"forward").decode()
        outputs, lasts = [], []
        for i, reverse in enumerate({"forward": [False], "reverse": [True], "bidirectional": [False, True]}[kind]):
            biases = [None, None] if b is None else [turned(v) for v in mg.chunk(b[i], 2)]
            state = None if h is None else (h[i] if c is None else (h[i], c[i]))
            y, last = op(x, state, turned(w[i]), turned(r[i]), *biases, lengths=lengths, reverse=reverse)
            outputs.append(y)
            lasts.append(last if isinstance(last, tuple) else (last,))
        y, states = mg.stack(outputs, 1), [mg.stack(s, 0) for s in zip(*lasts)]
        if batch_first:
            y, states = mg.permute(y, (2, 0, 1, 3)), [mg.transpose(s, 0, 1) for s in states]
        return (y, *states)

    return run


def gather(attributes, table, indices):
    return (mg.embedding(indices, table.reshape(table.shape[0], -1)).reshape(*indices.shape, *table.shape[1:]),)


def attention(attributes, q, k, v, mask=None):
    heads = attributes.get("q_num_heads")
    if heads:  # (rows, steps, heads · width)
        q, k, v = (mg.permute(t.reshape(*t.shape[:2], heads, -1), (0, 2, 1, 3)) for t in (q, k, v))
    causal, scale = bool(attributes.get("is_causal", 0)), attributes.get("scale")
    if causal and mask is not None:  # PyTorch takes one of the two: the triangle goes into the mask
        triangle = np.tril(np.ones((q.shape[-2], k.shape[-2]), bool))
        mask = mask.data & triangle if mask.dtype == bool else np.where(triangle, mask.data, -np.inf).astype(mask.dtype)
        causal, mask = False, mg.tensor(mask)
    y = mg.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale)
    return (mg.permute(y, (0, 2, 1, 3)).reshape(y.shape[0], y.shape[2], -1) if heads else y,)


def instance_norm(attributes, x, scale, bias):
    return (mg.group_norm(x, x.shape[1], scale, bias, attributes.get("epsilon", 1e-5)),)


def group_norm(attributes, x, scale, bias):
    return (mg.group_norm(x, attributes["num_groups"], scale, bias, attributes.get("epsilon", 1e-5)),)


def rms_norm(attributes, x, scale):
    axis = attributes.get("axis", -1) % x.ndim
    return (mg.rms_norm(x, x.shape[axis:], scale, attributes.get("epsilon", 1e-5)),)


OPERATORS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda attributes, x: (mg.adaptive_avg_pool2d(x, 1),),
    "GlobalMaxPool": lambda attributes, x: (mg.max_pool2d(x, x.shape[2:]),),
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "RMSNormalization": rms_norm,
    "RNN": recurrent(mg.rnn, [0]),
    "LSTM": recurrent(mg.lstm, [0, 2, 3, 1]),  # ONNX: i o f g
    "GRU": recurrent(mg.gru, [1, 0, 2]),  # ONNX: u r n
    "Gather": gather,
    "Attention": attention,
    "Upsample": lambda attributes, x, scales: (mg.upsample(x, scale_factor=tuple(scales.data[2:].tolist())),),
}


@pytest.fixture(scope="module")
def cases():
    """ONNX's cases of one node, by operator."""
    pytest.importorskip("onnx", reason="peers: pip install onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        with np.errstate(all="ignore"):
            found = collect_testcases(None)
    by_operator = {}
    for case in found:
        if len(case.model.graph.node) == 1:
            by_operator.setdefault(case.model.graph.node[0].op_type, []).append(case)
    return by_operator


@pytest.mark.parametrize("operator", OPERATORS)
def test_vectors_of_onnx(operator, cases, backend):
    from onnx import helper

    compared = 0
    for case in cases[operator]:
        if any(part in case.name for part in OUTSIDE):
            continue
        node = case.model.graph.node[0]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        for given, wanted in case.data_sets:
            given = iter(given)
            arguments = [mg.tensor(next(given)) if name else None for name in node.input]
            got = OPERATORS[operator](attributes, *arguments)
            got = [y for y, name in zip(got, node.output) if name]  # an output without a name is not wanted
            for y, want in zip(got, wanted, strict=True):
                y = np.asarray(y.data if isinstance(y, mg.Tensor) else y)
                bound = (1e-4 if case.name in FOUR_DIGITS else BOUND) * max(
                    1.0, np.abs(want[np.isfinite(want)]).max(initial=0.0)
                )
                np.testing.assert_allclose(y, want, rtol=0, atol=bound, err_msg=case.name)
                assert y.shape == want.shape, case.name
        compared += 1
    assert compared, f"no case of {operator}"


def test_each_reason_is_of_a_case(cases):
    names = [case.name for operator in OPERATORS for case in cases[operator]]
    assert [part for part in OUTSIDE if not any(part in name for name in names)] == []
