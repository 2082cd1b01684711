"""One training run twice, as Python and compiled: both must leave the same bits everywhere."""

import numpy as np

import minigrad as mg
from minigrad import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(74, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 74)
T = RNG.normal(size=(74, 3)).astype(np.float32)


def network(dropout=0.0, dtype="float32"):
    layers = [nn.Linear(6, 8, activation="relu", dtype=dtype), nn.Linear(8, 3, dtype=dtype)]
    return nn.Sequential(*layers[:1], *([nn.Dropout(dropout)] if dropout else []), *layers[1:])


def classifier(make_model=network, make_optimizer=lambda model: optim.SGD(model.parameters(), lr=0.1), more=None):
    """A function that makes (model, optimizer, step) anew, from the same seed."""

    def make():
        mg.manual_seed(3)
        model = make_model()
        optimizer = make_optimizer(model)

        def step(x, y):
            optimizer.zero_grad()
            output = model(x)
            loss = mg.cross_entropy(output, y)
            if more is not None:
                loss = more(model, optimizer, loss, output)
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    return make


def state(model, optimizer):
    """All that training changes, as bytes by name."""
    found = {name: array.tobytes() for name, array in model.state_dict().items()}
    held = optimizer.state_dict()
    found.update({f"state {name}": array.tobytes() for name, array in held["state"].items()})
    found["groups"] = repr(held["groups"])
    found["gradients"] = [None if p.grad is None else p.grad.data.tobytes() for p in model.parameters()]
    found["streams"] = mg.rng.get_state()
    return found


def assert_twins(make, epochs=3, batch=10, columns=(X, Y)):
    """Epochs of mini-batches, the last one smaller, give the same bits with and without mg.compile."""
    model, optimizer, step = make()
    losses = []
    loader = mg.data.Loader(*columns, batch, seed=5)
    for _ in range(epochs):
        losses.append([step(mg.tensor(x), mg.tensor(y))[0].item() for x, y in loader])
    expected = state(model, optimizer)

    model, optimizer, step = make()
    step = mg.compile(step)
    loader = mg.data.Loader(*columns, batch, seed=5)
    for epoch in range(epochs):
        found, outputs = step.epoch(loader)
        assert found.tolist() == losses[epoch]
        assert [len(output) for output in outputs] == [batch] * (len(columns[0]) // batch) + [len(columns[0]) % batch]
    assert repr(step).endswith("2 of 2 shapes replayed>")
    got = state(model, optimizer)
    assert got.keys() == expected.keys()
    assert [name for name in got if got[name] != expected[name]] == []
    return step
