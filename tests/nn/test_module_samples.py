"""PyTorch's own samples for its modules: every one of minigrad's gives the same outputs and gradients, or names what it
refuses. The samples are those by which PyTorch tests itself, torch.testing._internal.common_modules.module_db.
"""

import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

pytestmark = pytest.mark.peers

# Modules of PyTorch that minigrad has.
COVERED = re.findall(
    r"\w+",
    """
AdaptiveAvgPool1d AdaptiveAvgPool2d AvgPool1d AvgPool2d BatchNorm1d BatchNorm2d BCELoss BCEWithLogitsLoss CELU
Conv1d Conv2d ConvTranspose1d ConvTranspose2d CrossEntropyLoss ELU Embedding GELU GroupNorm GRU GRUCell Hardtanh
HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss LayerNorm LeakyReLU Linear LogSigmoid LSTM LSTMCell MaxPool1d
MaxPool2d MSELoss MultiheadAttention MultiMarginLoss NLLLoss ReLU RMSNorm RNN RNNCell Sigmoid SiLU SmoothL1Loss
Softmax SoftMarginLoss Softplus Softsign Tanh TransformerEncoderLayer
""",
)
# And those that it has not.
ABSENT = re.findall(
    r"\w+",
    """
AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AvgPool3d BatchNorm3d Bilinear CircularPad1d
CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Conv3d ConvTranspose3d CosineEmbeddingLoss
CTCLoss FractionalMaxPool2d FractionalMaxPool3d GaussianNLLLoss GLU Hardshrink Hardswish InstanceNorm1d
InstanceNorm2d InstanceNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d
LazyConvTranspose3d LinearCrossEntropyLoss LocalResponseNorm LogSoftmax LPPool1d LPPool2d LPPool3d MarginRankingLoss
MaxPool3d Mish MultiLabelMarginLoss MultiLabelSoftMarginLoss PoissonNLLLoss PReLU ReflectionPad1d ReflectionPad2d
ReflectionPad3d ReLU6 ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU Softmax2d Softmin Softshrink
Tanhshrink Threshold Transformer TransformerDecoderLayer TransformerEncoder ZeroPad1d ZeroPad2d ZeroPad3d
""",
)
# What is refused by name, because it is no case, or because it is an option that minigrad has not.
REFUSED = {
    "BatchNorm1d": "batch_norm: x is .0, 5, 9., no value for each channel",
    "BatchNorm2d": "batch_norm: x is .0, 5, 2, 2., no value for each channel",
    "KLDivLoss": r"kl_div: the input is \(\); batchmean needs at least one row",
    "Linear": r"x is \(3,\); need \(rows, 3\): a single row is x.reshape\(1, -1\)",
    "LSTM": "unknown keyword 'proj_size'",
    "MultiheadAttention": "unknown keyword 'add_(bias_kv|zero_attn)'",
    "Softmax": "softmax: got a single number; need at least one dimension",
}
# Options of PyTorch that are left out where they have the value that minigrad always uses.
ALWAYS = {"proj_size": 0, "add_bias_kv": False, "add_zero_attn": False}


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="peers: pip install torch==2.13.0")


@pytest.fixture(scope="module")
def infos(torch):
    """PyTorch's module_db by the name of the module."""
    pytest.importorskip("expecttest", reason="PyTorch's samples need expecttest: pip install expecttest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db
    return {info.name.removeprefix("nn."): info for info in module_db}


def ours_of(value, torch):
    """A value of a sample as minigrad takes it."""
    if isinstance(value, torch.Tensor):
        return mg.tensor(value.detach().numpy(), requires_grad=value.requires_grad)
    if isinstance(value, (tuple, list)):
        return tuple(ours_of(v, torch) for v in value)
    if value in (torch.nn.functional.relu, torch.nn.functional.gelu):
        return {"relu": mg.relu, "gelu": mg.gelu}[value.__name__]
    return value


def build(name, given, state, torch):
    """minigrad's module of this name with the options and the state of PyTorch's."""
    options = {k: v for k, v in given.kwargs.items() if k not in ALWAYS or v != ALWAYS[k]}
    args, options = ours_of(given.args, torch), {k: ours_of(v, torch) for k, v in options.items()}
    if state:
        options["dtype"] = str(next(iter(state.values())).dtype)
    layer = getattr(nn, name)(*args, **options)
    layer.load_state_dict(state)
    return layer


def turned(name, array):
    """PyTorch's array as minigrad stores it: kernels of linear, recurrent and attention layers are (in, out)."""
    array = array.detach().numpy()
    return array.T if array.ndim == 2 and name != "Embedding" else array


def leaves(value, torch):
    """The arguments of a sample as leaves: some samples compute their targets, with a graph."""
    if isinstance(value, (tuple, list)):
        return tuple(leaves(v, torch) for v in value)
    return value.detach().requires_grad_(value.requires_grad) if isinstance(value, torch.Tensor) else value


def numbers(result):
    """The tensors of a result, in order."""
    if isinstance(result, (tuple, list)):
        return [y for part in result for y in numbers(part)]
    return [] if result is None else [result]


def close(got, expected, dtype, what):
    """Equal within the rounding of sums: a bound relative to the largest number."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, what
    assert got.dtype == expected.dtype, what
    finite = np.abs(expected[np.isfinite(expected)])
    bound = (1e-12 if dtype == "float64" else 2e-5) * max(1.0, finite.max(initial=0.0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound, err_msg=what)


def backward(ours, theirs, torch):
    """Walk back from the sum of all outputs, each number times another factor."""
    rng = np.random.default_rng(0)
    loss, their_loss = mg.tensor(0.0), torch.tensor(0.0)
    for y, z in zip(ours, theirs, strict=True):
        if y.requires_grad:
            factors = rng.uniform(0.5, 1.5, y.shape).astype(y.data.dtype)
            loss, their_loss = loss + mg.sum(y * mg.tensor(factors)), their_loss + (z * torch.from_numpy(factors)).sum()
    if loss.requires_grad:
        loss.backward()
        their_loss.backward()


def compare(name, sample, training, dtype, torch):
    """One sample: outputs, and the gradients of inputs and parameters."""
    given, call = sample.constructor_input, sample.forward_input
    what = f"{name} {sample.desc} {given.args} {given.kwargs}, training {training}"
    peer = getattr(torch.nn, name)(*given.args, **given.kwargs).to(getattr(torch, dtype))
    state = {} if name.endswith("Loss") else {key: turned(name, a) for key, a in peer.state_dict().items()}
    layer = build(name, given, state, torch)
    layer.train(training)
    peer.train(training)
    args = leaves([*call.args, *([call.kwargs["input"]] if "input" in call.kwargs else [])], torch)
    options = {key: value for key, value in call.kwargs.items() if key != "input"}
    mine, my_options = ours_of(args, torch), {key: ours_of(value, torch) for key, value in options.items()}
    got, want = numbers(layer(*mine, **my_options)), numbers(peer(*args, **options))
    for y, z in zip(got, want, strict=True):
        close(y.data, z.detach().numpy(), dtype, what)
    backward(got, want, torch)
    pairs = [(f"input {i}", t, u.grad) for i, (t, u) in enumerate(zip(numbers(mine), numbers(args), strict=True))]
    own = dict(layer.named_parameters())
    pairs += [(key, own[key], u.grad) for key, u in peer.named_parameters()]
    for key, t, wanted in pairs:
        if wanted is None:
            assert getattr(t, "grad", None) is None, f"{what}: {key}"
            continue
        close(t.grad.data, turned(name, wanted) if key in own else wanted.numpy(), dtype, f"{what}: gradient of {key}")
    for key, buffer in peer.named_buffers():  # class weights of a loss are no buffers here
        if state:
            close(dict(layer.named_buffers())[key].data, buffer.numpy(), dtype, f"{what}: {key}")


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # PyTorch's, of its own KLDivLoss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", COVERED)
def test_samples_of_pytorch(name, dtype, torch, infos):
    refused, compared = [], 0
    for training in (True, False):
        torch.manual_seed(0)
        for sample in infos[name].module_inputs_func(
            infos[name], device="cpu", dtype=getattr(torch, dtype), requires_grad=True, training=training
        ):
            try:
                compare(name, sample, training, dtype, torch)
                compared += 1
            except (TypeError, ValueError) as error:
                if not re.search(REFUSED.get(name, "refuses nothing"), str(error)):
                    raise
                refused.append(str(error))
    assert compared
    assert bool(refused) == (name in REFUSED)


def test_every_module_of_pytorch_is_covered_or_said_to_be_absent(infos):
    assert sorted(infos) == sorted(COVERED + ABSENT)
    assert [name for name in ABSENT if hasattr(nn, name)] == [], "minigrad has it now: compare it"
