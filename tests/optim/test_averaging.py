"""EMA: the formula, PyTorch's, the exchange with the model's weights, and bad input."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4, dtype="float64"), nn.Dropout(0.5, seed=1), nn.Linear(4, 2))


def move(model, rng):
    with mg.no_grad():
        for p in model.parameters():
            p.copy_(p.data + rng.standard_normal(p.shape).astype(p.dtype))


def test_the_formula(backend, model, rng):
    ema, expected = optim.EMA(model, 0.9), model.state_dict()
    for _ in range(20):
        move(model, rng)
        ema.update()
        for name, p in model.named_parameters():
            expected[name] = 0.9 * expected[name] + 0.1 * p.data
    for name, average in ema.state_dict().items():
        np.testing.assert_allclose(average, expected[name], rtol=1e-13 if average.dtype == np.float64 else 1e-5)


@pytest.mark.peers
def test_against_torch(model, rng):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Linear(3, 4, dtype=torch.float64)
    swa = torch.optim.swa_utils
    average = swa.AveragedModel(theirs, multi_avg_fn=swa.get_ema_multi_avg_fn(0.95))
    w = model[0].weight
    ema = optim.EMA(model, 0.95)
    for step in range(50):
        with torch.no_grad():
            theirs.weight.copy_(torch.tensor(w.data.T.copy()))
        average.update_parameters(theirs)  # the first call copies
        if step:
            ema.update()
        move(model, rng)
    got = ema.state_dict()["0.weight"]
    np.testing.assert_allclose(got, average.module.weight.detach().numpy().T, rtol=1e-12)


def test_the_model_has_the_averages_inside_and_its_weights_behind(backend, model, rng):
    x = mg.tensor(rng.standard_normal((5, 3)))
    ema, start = optim.EMA(model[:1], 0.5), model[0].weight.data.copy()
    before = model[0](x).data.copy()
    move(model, rng)
    ema.update()
    after, arrays = model[0](x).data.copy(), [p.array for p in model.parameters()]
    graph = model[0](x).sum()
    with pytest.raises(ZeroDivisionError), ema.swap():
        np.testing.assert_allclose(model[0](x).data, (before + after) / 2, rtol=1e-12)
        for attempt in (ema.update, ema.swap().__enter__):
            with pytest.raises(RuntimeError, match=r"inside swap\(\)"):
                attempt()
        1 / 0  # noqa: B018
    assert all(p.array is array for p, array in zip(model.parameters(), arrays))
    with pytest.raises(mg.GraphError, match="written"):
        graph.backward()  # an exchange is a write
    twin = ema.copy()
    assert not twin.training and model.training
    np.testing.assert_allclose(twin[0].weight.data, (start + model[0].weight.data) / 2, rtol=1e-12)
    ema.copy_to(model[:1])
    np.testing.assert_array_equal(model[0].weight.data, twin[0].weight.data)


def test_an_optimizer_goes_on_behind_an_exchange(backend, model):
    def train(exchange):
        mg.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer, ema = optim.Adam(model.parameters(), lr=0.1), optim.EMA(model, 0.9)
        for _ in range(4):
            optimizer.zero_grad()
            model(np.ones((1, 3), np.float32)).sum().backward()
            optimizer.step()
            ema.update()
            if exchange:
                with ema.swap():
                    pass
        return model.weight.data, ema.state_dict()["weight"]

    for a, b in zip(train(True), train(False)):
        np.testing.assert_array_equal(a, b)


def test_its_state_and_the_backend_may_change(model, rng):
    results = []
    for change in (False, True):
        with mg.use_backend("reference"):
            rng = np.random.default_rng(0)
            mg.manual_seed(0)
            model = nn.Linear(3, 2, dtype="float64")
            ema = optim.EMA(model, 0.9)
            for step in range(6):
                if change and step == 3:
                    other = optim.EMA(model, 0.9)
                    other.load_state_dict(ema.state_dict())
                    ema = other
                    mg.use_backend("native" if mg.kernels.runtime is not None else "reference")
                move(model, rng)
                ema.update()
            results.append(ema.state_dict())
    for name in results[0]:
        np.testing.assert_allclose(results[1][name], results[0][name], rtol=1e-14)


def test_bad_input(model):
    with pytest.raises(TypeError, match="the model is a list"):
        optim.EMA([1])
    for decay in (-0.1, 1.5, float("nan"), "slow"):
        with pytest.raises(ValueError, match="EMA: decay is"):
            optim.EMA(model, decay)
    ema = optim.EMA(model)
    model.to("float32")
    with pytest.raises(mg.ShapeError, match=r"0\.weight became float32 \(3, 4\), its average is float64"):
        ema.update()
    with pytest.raises(ValueError, match=r"0\.weight is"):
        optim.EMA(model).load_state_dict({"0.weight": np.zeros(3)})


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_copies_average_the_copied_model(backend, model, rng, duplicate):
    ema = optim.EMA(model, 0.9)
    move(model, rng)
    ema.update()
    twin, twin_ema = duplicate((model, ema))
    before = {name: a.copy() for name, a in ema.state_dict().items()}
    moves = np.random.default_rng(5), np.random.default_rng(5)
    move(twin, moves[0])
    twin_ema.update()
    assert all((ema.state_dict()[name] == a).all() for name, a in before.items())
    move(model, moves[1])
    ema.update()
    assert all((ema.state_dict()[name] == a).all() for name, a in twin_ema.state_dict().items())
    with twin_ema.swap():
        assert (twin[0].weight.data == ema.state_dict()["0.weight"]).all()
    alone = duplicate(ema)
    assert alone.model is not model
    alone.update()


def test_a_copy_is_a_second_average_of_the_same_model(backend, model, rng):
    ema = optim.EMA(model, 0.9)
    second = copy.copy(ema)
    assert second.model is model
    move(model, rng)
    second.update()
    assert (ema.state_dict()["0.bias"] == 0).all()
    assert (second.state_dict()["0.bias"] != 0).all()
    with ema.swap():
        copy.deepcopy(model)
        with pytest.raises(RuntimeError, match=r"EMA: copied inside swap\(\)"):
            copy.deepcopy((model, ema))


def test_an_average_goes_on_behind_a_change_of_the_backend(model, rng):
    with mg.use_backend("reference"):
        ema = optim.EMA(model, 0.5)
    move(model, rng)
    ema.update()  # on the backend of the process
    np.testing.assert_allclose(ema.state_dict()["0.bias"], model[0].bias.data / 2, rtol=1e-12)


def test_a_model_that_changed_is_refused_by_name(backend, model):
    ema = optim.EMA(model)
    model.append(nn.Linear(2, 2))
    ema.update()
    with pytest.raises(mg.GraphError, match=r"EMA: 3\.weight, 3\.bias of the model came after the average"), ema.swap():
        pass
    model[2] = nn.Linear(4, 2)
    for act in (ema.update, ema.swap().__enter__):
        with pytest.raises(mg.GraphError, match=r"a layer of the model was replaced .* of the old 2\.weight, 2\.bias"):
            act()
    moved = nn.Sequential(model[0])  # a layer may move to another name in the same model
    ema = optim.EMA(moved)
    moved.append(moved[0])
    moved[0] = nn.Flatten()
    ema.update()


def test_states_of_other_models_are_refused(model):
    ema = optim.EMA(model)
    for state, match in (
        ({}, r"missing 0\.weight, 0\.bias, 2\.weight, 2\.bias"),
        (optim.EMA(nn.Linear(3, 4)).state_dict(), "unexpected weight, bias"),
    ):
        with pytest.raises(ValueError, match=match):
            ema.load_state_dict(state)
    with pytest.raises(TypeError, match=r"EMA\.load_state_dict: got a list"):
        ema.load_state_dict([])
    with pytest.raises(TypeError, match=r"EMA\.copy_to: got a EMA; need an nn\.Module"):
        ema.copy_to(ema)
