"""Groups, tables, state, and every bad option."""

import copy
import types

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg


@pytest.fixture
def pair():
    return [nn.Parameter([1.0, 2.0]), nn.Parameter([[3.0]])]


def fill(params):
    for p in params:
        p.grad = mg.tensor(np.ones(p.shape, p.dtype))


def test_groups_have_options_of_their_own(backend, pair):
    optimizer = optim.SGD([{"params": pair[:1], "lr": 0.5, "momentum": 0}, {"params": pair[1]}], lr=0.1, momentum=0.9)
    fill(pair)
    optimizer.step()
    assert pair[0].data.tolist() == [0.5, 1.5]
    assert pair[1].data == pytest.approx(2.9)
    optimizer.param_groups[1]["lr"] = 0.0  # holds from the next step
    optimizer.step()
    assert pair[0].data.tolist() == [0.0, 1.0]
    assert pair[1].data == pytest.approx(2.9)
    optimizer.param_groups[0]["momentum"] = 0.5
    fill(pair)
    for _ in range(2):
        optimizer.step()
    assert pair[0].data.tolist() == [-1.25, -0.25]
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(ValueError, match="lr is nan"):
        optimizer.step()
    assert pair[0].data.tolist() == [-1.25, -0.25]


def test_precisions_may_be_mixed(backend):
    params = [nn.Parameter([1.0]), nn.Parameter(np.array([1.0])), nn.Parameter([2.0])]
    optimizer = optim.Adam(params, lr=0.25)
    fill(params)
    optimizer.step()
    assert [float(p.data[0]) for p in params] == pytest.approx([0.75, 0.75, 1.75])


def test_tables_follow_new_arrays_new_dtypes_and_the_backend(rng):
    def weights(change):
        mg.manual_seed(0)
        model = nn.Linear(3, 2)
        terms = reg.on(model, "*.weight", reg.L1(0.1))
        optimizer = optim.Adam(model.parameters(), lr=0.1, prox=terms)
        for step in range(4):
            if step == 2:
                change(model)
            fill(model.parameters())
            optimizer.step()
        return model.weight.data

    def new_array(model):
        model.weight.array = model.weight.array.copy()

    with mg.use_backend("reference"):
        expected = weights(lambda model: None)
        assert (weights(new_array) == expected).all()
        assert weights(lambda model: model.to("float64")) == pytest.approx(expected, rel=1e-5)
    if mg.kernels.runtime is not None:
        with mg.use_backend("native"):
            assert weights(lambda model: mg.use_backend("reference")) == pytest.approx(expected, rel=1e-6)


def test_the_state_between_a_change_and_the_next_step(backend):
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, penalty=reg.on(model, "*.weight", reg.L2(1.0)))
    optimizer.penalty_values()  # from now on, those of the last step
    fill(model.parameters())
    optimizer.step()
    before = optimizer.penalty_values()
    assert optimizer.state_dict()["state"] == {}
    optimizer.param_groups[0]["momentum"] = 0.5
    model.to("float64")
    state = optimizer.state_dict()["state"]
    assert {key: array.dtype for key, array in state.items()} == {"0.momentum": "f8", "1.momentum": "f8"}
    assert optimizer.penalty_values() == before  # to look at the state is not a step
    fill(model.parameters())
    optimizer.step()
    assert optimizer.state_dict()["state"]["0.momentum"].all()


def test_a_backend_makes_its_own_tables(pair):
    mine, made = types.ModuleType("mine"), []

    def segments(params, *states):
        made.append(len(params))
        return mg.kernels.reference.segments(params, *states)

    mine.segments, mine.sgd_update = segments, mg.kernels.reference.sgd_update
    optimizer = optim.SGD(pair, lr=0.1)
    with mg.use_backend(mine):
        optimizer.step()
        optimizer.step()
    assert made == [2]


@pytest.mark.parametrize(
    "make",
    [
        lambda params: optim.SGD(params, lr=0.1),
        lambda params: optim.SGD(params, lr=0.1, momentum=0.5),
        lambda params: optim.Adam([{"params": params[:1], "betas": (0.5, 0.9)}, {"params": params[1:]}], lr=0.1),
        lambda params: optim.AdamW([{"params": params[:1], "amsgrad": True}, {"params": params[1:]}], lr=0.1),
        lambda params: optim.RMSprop(params, lr=0.1, momentum=0.5, centered=True),
        lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.5, initial_accumulator_value=0.5),
    ],
)
def test_state_comes_back_to_the_bit(backend, pair, make):
    optimizer = make(pair)
    for _ in range(3):
        fill(pair)
        optimizer.step()
    state, start = optimizer.state_dict(), [p.data.copy() for p in pair]
    saved = {name: array.copy() for name, array in state["state"].items()}
    twins = [nn.Parameter(w) for w in start]
    twin = make(twins)
    twin.load_state_dict(state)
    for params, o in ((pair, optimizer), (twins, twin)):
        fill(params)
        o.step()
    assert all((p.data == q.data).all() for p, q in zip(pair, twins))
    assert all((saved[name] == array).all() for name, array in state["state"].items())  # a copy: it did not move along


def test_states_are_those_that_the_options_ask_for(pair):
    """amsgrad, centered and momentum cost memory where they are asked for, and nowhere else."""

    def states(optimizer):
        return [name.partition(".")[2] for name in optimizer.state_dict()["state"] if name.startswith("0.")]

    assert states(optim.Adam(pair)) == ["beta1_power", "beta2_power", "m", "v"]
    assert states(optim.AdamW(pair, amsgrad=True)) == ["beta1_power", "beta2_power", "m", "v", "largest_v"]
    assert states(optim.RMSprop(pair)) == ["v"]
    assert states(optim.RMSprop(pair, centered=True, momentum=0.5)) == ["v", "m", "momentum"]
    assert states(optim.Adagrad(pair)) == ["t", "v"]


def test_loading_checks_before_it_writes(pair):
    optimizer = optim.Adam(pair, lr=0.1)
    fill(pair)
    optimizer.step()
    good = optimizer.state_dict()

    def broken(**changes):
        return {"groups": good["groups"], "state": {**good["state"]}, **changes}

    less = dict(list(good["state"].items())[1:])
    for state, match in [
        ([], "needs what state_dict gives"),
        (broken(groups=[3]), "needs what state_dict gives"),
        (broken(state=3), "needs what state_dict gives"),
        (broken(groups=[]), "0 groups, need 1"),
        (broken(groups=[{"lr": 0.1}]), "a group has the options"),
        (broken(groups=[{**good["groups"][0], "lr": -1}]), "lr is -1"),
        (broken(state=less), "the state has"),
        (broken(state={**good["state"], "0.m": np.zeros(7)}), r"0.m is float64 \(7,\)"),
        (broken(state={**good["state"], "1.v": np.array([["x"]])}), r"1.v is <U1"),
    ]:
        with pytest.raises(ValueError, match=match):
            optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["groups"] == good["groups"]
    assert all((after["state"][k] == good["state"][k]).all() for k in good["state"])


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
@pytest.mark.parametrize("option", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", None])
def test_rates_are_checked(pair, kind, option, value):
    with pytest.raises(ValueError, match=f"{kind.__name__}: {option} is {value!r}"):
        kind(pair, **{"lr": 0.1, option: value})


@pytest.mark.parametrize(
    "kind, options, error, match",
    [
        (optim.SGD, {"momentum": -0.5}, ValueError, "SGD: momentum is -0.5"),
        (optim.SGD, {"nesterov": True}, ValueError, "needs a momentum above 0"),
        (optim.SGD, {"momentun": 0.9}, TypeError, "unknown keyword 'momentun'; did you mean 'momentum'"),
        (optim.Adam, {"betas": (0.9, 1.0)}, ValueError, "need two numbers below 1"),
        (optim.Adam, {"betas": 0.9}, ValueError, "need two numbers below 1"),
        (optim.Adam, {"betas": (float("nan"), 0.9)}, ValueError, "beta1 is nan"),
        (optim.Adam, {"betas": (0.9, -1)}, ValueError, "beta2 is -1"),
        (optim.Adam, {"eps": -1e-8}, ValueError, "Adam: eps is -1e-08"),
        (optim.RMSprop, {"alpha": 1.5}, ValueError, "RMSprop: alpha is 1.5"),
        (optim.RMSprop, {"momentum": float("nan")}, ValueError, "RMSprop: momentum is nan"),
        (optim.Adagrad, {"lr_decay": -1}, ValueError, "Adagrad: lr_decay is -1"),
        (optim.Adagrad, {"initial_accumulator_value": "much"}, ValueError, "initial_accumulator_value is 'much'"),
        (optim.AdamW, {"learning_rate": 1}, TypeError, "unknown keyword 'learning_rate'; it takes params, lr"),
    ],
)
def test_options_are_checked(pair, kind, options, error, match):
    with pytest.raises(error, match=match):
        kind(pair, **{"lr": 0.1, **options})


@pytest.mark.parametrize(
    "params, error, match",
    [
        (lambda p: [], ValueError, "list of parameters is empty"),
        (lambda p: [{"params": []}], ValueError, "hold no parameters"),
        (lambda p: p[0], TypeError, "pass a list of tensors"),
        (lambda p: nn.Linear(1, 1), TypeError, r"pass model.parameters\(\)"),
        (lambda p: [p[0], np.ones(2)], TypeError, "a parameter is a ndarray"),
        (lambda p: [p[0], p[1], p[0]], ValueError, r"\(2,\) is listed twice"),
        (lambda p: [{"params": p}, {"params": p[:1]}], ValueError, "listed twice"),
        (lambda p: [{"parms": p}], TypeError, "need a dict with the key 'params'"),
        (lambda p: [{"params": p, "lrr": 1}], TypeError, "did you mean 'lr'"),
        (lambda p: [p[0] * 2], mg.GraphError, "made by mul; only leaves"),
        (lambda p: [mg.tensor(np.arange(3))], mg.DTypeError, "int64"),
        (lambda p: [mg.from_numpy(np.ones((2, 3)).T)], ValueError, "strided or read-only"),
        (lambda p: [mg.from_numpy(np.broadcast_to(1.0, 3))], ValueError, "strided or read-only"),
    ],
)
def test_parameters_are_checked(pair, params, error, match):
    with pytest.raises(error, match=match):
        optim.SGD(params(pair), lr=0.1)


def test_gradients_are_checked_before_anything_is_written(backend, pair):
    optimizer = optim.SGD(pair, lr=0.1)
    fill(pair)
    for wrong in (mg.tensor([1.0]), mg.tensor(np.ones((1, 1), np.float64))):
        pair[1].grad = wrong
        with pytest.raises(mg.ShapeError, match="SGD: a gradient is"):
            optimizer.step()
    assert pair[0].data.tolist() == [1.0, 2.0]
    pair[1].grad = mg.tensor([[1.0]])
    optimizer.step()
    optimizer.zero_grad()
    assert all(p.grad is None for p in pair)


def test_a_strided_gradient_and_empty_parameters(backend):
    params = [nn.Parameter(np.ones((2, 3), np.float32)), nn.Parameter(np.ones((0, 3), np.float32))]
    g = mg.tensor(np.arange(6, dtype=np.float32).reshape(3, 2))
    params[0].grad, params[1].grad = g.T, mg.tensor(np.ones((0, 3), np.float32))
    optim.SGD(params, lr=1.0).step()
    np.testing.assert_array_equal(params[0].data, 1 - g.data.T)


def test_repr(pair):
    text = repr(optim.Adam(pair, lr=0.1))
    assert text == "Adam(lr=0.1, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False; 2 parameters)"


SMALL_EPS = {
    "Adam": optim.Adam,
    "AMSGrad": lambda params, **options: optim.Adam(params, amsgrad=True, **options),
    "AdamW": lambda params, **options: optim.AdamW(params, weight_decay=0.0, **options),
    "RMSprop": optim.RMSprop,
    "centered": lambda params, **options: optim.RMSprop(params, centered=True, momentum=0.5, **options),
    "Adagrad": optim.Adagrad,
}


@pytest.mark.parametrize("name", SMALL_EPS)
@pytest.mark.parametrize(("dtype", "lost", "kept"), [("float32", 1e-20, 1e-10), ("float64", 1e-155, 1e-100)])
def test_without_eps_a_lost_square_is_refused_and_nothing_written(backend, name, dtype, lost, kept):
    for small in (0.0, lost, kept):
        w = nn.Parameter(np.array([1.0, 2.0], dtype))
        optimizer = SMALL_EPS[name]([w], lr=0.1, eps=0.0)
        for factor in (1.0, 0.5) if small != kept else (1.0,):
            w.grad = mg.tensor(np.array([factor, factor * small], dtype))
            before, state = w.data.copy(), copy.deepcopy(optimizer.state_dict())
            if small == kept:
                optimizer.step()
                continue
            with pytest.raises(ValueError, match=rf"eps is 0, and in 1 of the 2 elements of .* {dtype} \(2,\)"):
                optimizer.step()
            np.testing.assert_array_equal(w.data, before)
            assert str(optimizer.state_dict()) == str(state)
        if small == kept:  # its step does not depend on the size of the gradients
            assert 1.0 - w.data[0] == pytest.approx(2.0 - w.data[1], rel=1e-5 if dtype == "float32" else 1e-12)


def test_with_eps_a_lost_square_leaves_the_weight(backend):
    for eps in (1e-8, 1e-20):
        w = nn.Parameter([1.0, 2.0])
        optimizer = optim.Adam([w], lr=0.1, eps=eps)
        w.grad = mg.tensor([1.0, 1e-20])
        optimizer.step()
        assert w.data.tolist() == [np.float32(0.9), 2.0]
    w.grad = mg.tensor([1.0, 1e-14])  # its square counts as 0, and 1e-20 does not make up for it
    with pytest.raises(ValueError, match="any eps from 1e-12"):
        optimizer.step()
