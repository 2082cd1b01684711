"""Every layer and loss of minigrad.nn in a step: replayed with the same bits, buffers included. And the steps C1 and
R1, with batch norm and all dropouts: compiled, as Python, and resumed from a checkpoint, one set of bits.
"""

import re

import numpy as np
import pytest
from replay.twins import state
from train.killed import Kill, Killed

import minigrad as mg
from minigrad import nn, optim
from minigrad.kernels import runtime
from minigrad.lab.cost.measured import NETWORKS
from minigrad.train import Callback, Checkpoint, fit

pytestmark = pytest.mark.skipif(runtime is None, reason="replay needs the compiled kernels")
RNG = np.random.default_rng(0)
ROWS = 22  # in batches of 8, the last one smaller


def numbers(*shape):
    return RNG.standard_normal((ROWS, *shape)).astype(np.float32)


ROW, SIGNAL, IMAGE, STEPS = numbers(6), numbers(6, 9), numbers(4, 6, 7), numbers(5, 6)
WORDS = RNG.integers(0, 7, (ROWS, 5))
CLASSES, YES = RNG.integers(0, 6, ROWS), RNG.integers(0, 2, (ROWS, 6)).astype(np.float32)
SIGNS = 2 * YES - 1


class First(nn.Module):
    """The first of the outputs of a layer that takes a sequence as query, key and value."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x, x)[0] if isinstance(self.layer, nn.MultiheadAttention) else self.layer(x)[0]


class CellWithZoneout(nn.Module):
    """One step of an RNN behind which units keep the state before."""

    def __init__(self):
        self.cell, self.zone = nn.RNNCell(6, 4), nn.Zoneout(0.3)

    def forward(self, x):
        before = mg.ones(x.shape[0], 4)
        return self.zone(self.cell(x, before), before)


PLAIN = re.findall(
    r"\w+",
    """CELU ELU GELU Hardtanh LeakyReLU LogSigmoid ReLU Sigmoid SiLU Softplus Softsign Tanh Identity Flatten
GaussianDropout Dropout""",
)
# name -> (make, inputs[, targets of a loss])
CASES = {
    **{name: (getattr(nn, name), ROW) for name in PLAIN},
    "GaussianNoise": (lambda: nn.GaussianNoise(0.1), ROW),
    "Softmax": (lambda: nn.Softmax(1), ROW),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(4), SIGNAL),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 3)), IMAGE),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, padding=1), SIGNAL),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), IMAGE),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(6), SIGNAL),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, momentum=None, bias=False), IMAGE),
    "Conv1d": (lambda: nn.Conv1d(6, 3, 3, stride=2, padding=2, dilation=2), SIGNAL),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, padding="same", groups=2, padding_mode="reflect", activation="relu"), IMAGE),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(6, 4, 3, stride=2, output_padding=1), SIGNAL),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, padding=1, groups=2), IMAGE),
    "DropConnect": (lambda: nn.DropConnect(6, 4, p=0.3), ROW),
    "DropBlock2d": (lambda: nn.DropBlock2d(0.2, block_size=2), IMAGE),
    "Dropout1d": (lambda: nn.Dropout1d(0.3), SIGNAL),
    "Dropout2d": (lambda: nn.Dropout2d(0.3), IMAGE),
    "Embedding": (lambda: nn.Embedding(7, 4, padding_idx=2), WORDS),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(7, 4, mode="max"), WORDS),
    "GRU": (lambda: First(nn.GRU(6, 4, batch_first=True, bidirectional=True)), STEPS),
    "GRUCell": (lambda: nn.GRUCell(6, 4), ROW),
    "GroupNorm": (lambda: nn.GroupNorm(3, 6, bias=False), SIGNAL),
    "LSTM": (lambda: First(nn.LSTM(6, 4, 2, batch_first=True, dropout=0.2, recurrent_dropout=0.2)), STEPS),
    "LSTMCell": (lambda: First(nn.LSTMCell(6, 4)), ROW),
    "Lambda": (lambda: nn.Lambda(lambda x: mg.relu(x) * 2.0), ROW),
    "LayerNorm": (lambda: nn.LayerNorm(6), ROW),
    "Linear": (lambda: nn.Linear(6, 4, activation="tanh"), ROW),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, padding=1), SIGNAL),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, ceil_mode=True), IMAGE),
    "MultiheadAttention": (lambda: First(nn.MultiheadAttention(6, 2, dropout=0.2, batch_first=True)), STEPS),
    "RMSNorm": (lambda: nn.RMSNorm(6), ROW),
    "RNN": (lambda: First(nn.RNN(6, 4, 2, nonlinearity="relu", batch_first=True)), STEPS),
    "RNNCell": (lambda: nn.RNNCell(6, 4), ROW),
    "Residual": (lambda: nn.Residual(nn.LayerNorm(6), nn.Linear(6, 6)), ROW),
    "Sequential": (lambda: nn.Sequential(nn.Linear(6, 4), nn.Tanh()), ROW),
    "StochasticDepth": (lambda: nn.StochasticDepth(0.3), ROW),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=0.2, batch_first=True), STEPS),
    "Unfold": (lambda: nn.Unfold(3, padding=1, stride=2), IMAGE),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "VariationalDropout": (lambda: nn.VariationalDropout(0.3), STEPS),
    "WordDropout": (lambda: nn.WordDropout(0.3), STEPS),
    "Zoneout": (CellWithZoneout, ROW),
    "BCELoss": (lambda: nn.Sequential(nn.Sigmoid()), ROW, nn.BCELoss(), YES),
    "BCEWithLogitsLoss": (nn.Identity, ROW, nn.BCEWithLogitsLoss(), YES),
    "CrossEntropyLoss": (nn.Identity, ROW, nn.CrossEntropyLoss("sum"), CLASSES),
    "HingeLoss": (nn.Identity, ROW, nn.HingeLoss(), SIGNS),
    "HuberLoss": (nn.Identity, ROW, nn.HuberLoss(delta=0.7), YES),
    "L1Loss": (nn.Identity, ROW, nn.L1Loss("sum"), YES),
    "MSELoss": (nn.Identity, ROW, nn.MSELoss(), YES),
    "SigmoidFocalLoss": (nn.Identity, ROW, nn.SigmoidFocalLoss(), YES),
    "NLLLoss": (lambda: nn.Lambda(lambda x: mg.log_softmax(x, 1)), ROW, nn.NLLLoss(), CLASSES),
    "smoothing": (nn.Identity, ROW, nn.CrossEntropyLoss(label_smoothing=0.1), CLASSES),
    "SmoothL1Loss": (nn.Identity, ROW, nn.SmoothL1Loss(beta=0.5), YES),
    "SoftMarginLoss": (nn.Identity, ROW, nn.SoftMarginLoss(), SIGNS),
}
# What looks at classes or targets in Python, with the words of the refusal.
MASK = "the mask of its classes is made by NumPy, anew in each step"
REFUSED = {
    "HingeEmbeddingLoss": (nn.HingeEmbeddingLoss(), SIGNS, "compile: where"),
    "KLDivLoss": (nn.KLDivLoss("batchmean"), YES, "compile: where"),
    "MultiMarginLoss": (nn.MultiMarginLoss(), CLASSES, MASK),
    "SoftmaxFocalLoss": (nn.SoftmaxFocalLoss(), CLASSES, MASK),
}
HELD_BY_OTHERS = {"Module", "ModuleDict", "ModuleList", "ParameterList", "RandomLayer"}  # these compute nothing


class Scaled(nn.Module):
    """A layer behind a weight for each number of a row: what the layer passes back is seen in its gradient."""

    def __init__(self, layer, shape):
        self.scale, self.layer = (
            nn.Parameter(np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape), "float32"),
            layer,
        )

    def forward(self, x):
        return self.layer(x * self.scale if x.dtype.kind == "f" else x)


def trained(case, compiled):
    """Losses and state after three epochs of batches, the last one smaller."""
    make, rows, loss_of, targets = (*case, lambda y, t: mg.mean(mg.square(y)), ROW)[:4]
    mg.manual_seed(3)
    model = Scaled(make(), rows.shape[1:])
    optimizer = optim.Adam(model.parameters(), lr=1e-2)

    def step(x, t):
        optimizer.zero_grad()
        loss = loss_of(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    replayed = mg.compile(step) if compiled else None
    for epoch in range(3):
        loader = mg.data.Loader(rows, targets, 8, seed=epoch)
        if replayed is not None:
            losses += replayed.epoch(loader).tolist()
        else:
            losses += [step(mg.tensor(x), mg.tensor(t)).item() for x, t in loader]
    if replayed is not None:
        assert all(entry.program is not None for entry in replayed._entries.values()), "it was replayed"
    return losses, state(model, optimizer)


@pytest.mark.parametrize("name", CASES)
def test_a_replay_leaves_the_bits_of_the_step(name):
    with mg.use_backend("native"):
        (losses, plain), (again, replayed) = trained(CASES[name], False), trained(CASES[name], True)
    assert np.isfinite(losses).all() and len(set(losses)) > 1
    assert again == losses
    assert [key for key in plain if plain[key] != replayed[key]] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_loss_that_looks_at_its_targets_is_refused_by_name(name):
    loss, targets, words = REFUSED[name]
    with mg.use_backend("native"), pytest.raises(mg.ReplayError, match=words):
        trained((lambda: nn.Lambda(lambda x: mg.log_softmax(x, 1)), ROW, loss, targets), True)


def test_every_layer_is_here():
    kinds = {
        name for name in nn.__all__ if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert kinds - {"Dense"} == (set(CASES) | set(REFUSED) | HELD_BY_OTHERS) - {"smoothing"}
    assert nn.Dense is nn.Linear


# --- C1 and R1 --------------------------------------------------------------------------------------------------------

STEP_MODELS = {
    "C1": lambda: NETWORKS["C1"].make(after=lambda: nn.Dropout(0.5)),
    "C1 with batch norm and spatial dropout": lambda: NETWORKS["C1"].make(
        planes=lambda n: nn.Sequential(nn.BatchNorm2d(n), nn.Dropout2d(0.2)), after=lambda: nn.Dropout(0.5)
    ),
    "R1": NETWORKS["R1"].make,
    "R1 with its dropouts": lambda: NETWORKS["R1"].make(
        before=lambda: nn.VariationalDropout(0.2), after=lambda: nn.Dropout(0.5), recurrent_dropout=0.2
    ),
}


class KillBetween(Callback):
    """Raises at the end of an epoch, once its checkpoint is written. A callback of batches would keep fit in Python."""

    def on_epoch_end(self, run):
        if run.epoch == 2:
            raise Killed


def fitted(name, compiled, *callbacks, resume=None):
    """History and state after three epochs of three batches, the last of them smaller."""
    network = NETWORKS[name[:2]]
    data = network.batch(19)
    model = STEP_MODELS[name]()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    options = {"epochs": 3, "batch_size": 8, "compile": compiled, "callbacks": callbacks, "resume": resume}
    history = fit(model, data, mg.cross_entropy, optimizer, **options)
    return [history[key] for key in history.names if key != "seconds"], state(model, optimizer)


SLOW = {"R1": pytest.mark.slow}  # the recording checks the memory of every call, 50 steps in each


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in STEP_MODELS])
def test_compiled_resumed_and_as_python(name, tmp_path):
    """Running means and variances, streams of the dropouts, Adam's moments: all of them, after every way there."""
    with mg.use_backend("native"):
        expected = fitted(name, False)
        assert fitted(name, True) == expected
        for compiled, every, kill in ((False, "batch", Kill(2, 2)), (True, "epoch", KillBetween())):
            folder = tmp_path / every
            with pytest.raises(Killed):
                fitted(name, compiled, Checkpoint(folder, every=every), kill)
            mg.rng.uniform(3)  # what the next process may have drawn
            assert fitted(name, compiled, Checkpoint(folder, every=every), resume=folder) == expected
