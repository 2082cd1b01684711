"""`family`, `penalty_groups`, `huber_threshold` and `relax` of tabular.train and of `minigrad train`."""

import numpy as np
import pytest
from commands.choosing import run

from minigrad import data, linear_model, tabular
from minigrad.tabular.settings import Settings
from minigrad.tabular.training import parts_of

TOWNS = ("bern", "oslo", "rome")


@pytest.fixture
def visits(tmp_path):
    """80 rows: age, town, size (a dose with outliers), visits (counts) and ill (yes or no)."""
    draw = np.random.default_rng(4)
    age, town = draw.standard_normal(80), np.arange(80) % 3
    size = age + (town == 2) + 0.3 * draw.standard_t(1.5, 80)
    count, ill = draw.poisson(np.exp(0.5 * age + 0.4 * (town == 1))), size + draw.standard_normal(80) > 0
    rows = [
        f"{a:.6f},{TOWNS[t]},{s:.6f},{c},{'yes' if i else 'no'}" for a, t, s, c, i in zip(age, town, size, count, ill)
    ]
    file = tmp_path / "visits.csv"
    file.write_text("age,town,size,visits,ill\n" + "\n".join(rows) + "\n")
    return file


def table(visits, target):
    others = [name for name in ("size", "visits", "ill") if name != target]
    words = ["town", "ill"] if target == "ill" else ["town"]
    return data.read_csv(visits, target, categorical=words, ignore=others)


def train_rows(rows):
    return parts_of(rows, Settings(), False).train


def test_counts(visits, tmp_path):
    rows = table(visits, "visits")
    model = tabular.train(rows, family="poisson", lam=0.02)
    part = train_rows(rows)
    expected = linear_model.Poisson(standardize=True).start(part.x, part.y).solve(0.02, 0.0)
    assert model.kind == "poisson" and model.coefficients.tobytes() == expected.coefficients.tobytes()
    assert model.predict(rows).tobytes() == expected.mean(rows.x).tobytes()
    assert set(model.about["scores"]["held out"]) >= {"deviance explained", "mean deviance"}
    model.save(tmp_path / "m")
    again = tabular.load(tmp_path / "m")
    assert again.predict(visits).tobytes() == model.predict(rows).tobytes()
    assert "Poisson regression" in again.show() and again.about["settings"]["family"] == "poisson"


def test_outliers_and_their_threshold(visits):
    rows = table(visits, "size")
    part = train_rows(rows)
    by_scale = tabular.train(rows, family="huber", lam=0.1)
    scale = linear_model.robust_scale(part.y)
    expected = linear_model.Huber(scale=scale, standardize=True).start(part.x, part.y).solve(0.1, 0.0)
    assert by_scale.coefficients.tobytes() == expected.coefficients.tobytes()
    given = tabular.train(rows, family="huber", huber_threshold=0.5, lam=0.1)
    expected = linear_model.Huber(delta=1.0, scale=0.5, standardize=True).start(part.x, part.y).solve(0.1, 0.0)
    assert given.coefficients.tobytes() == expected.coefficients.tobytes() != by_scale.coefficients.tobytes()


@pytest.mark.parametrize(("target", "loss"), [("size", "squared"), ("visits", "poisson"), ("ill", "logistic")])
def test_groups_enter_together(visits, tmp_path, target, loss):
    rows = table(visits, target)
    family = {"family": "poisson"} if loss == "poisson" else {}
    model = tabular.train(rows, penalty_groups="all", lam=0.05, l1_ratio=0.2, test=0, **family)
    groups = ["town" if name.startswith("town=") else name for name in rows.names]
    y = (rows.y == "yes").astype(int) if target == "ill" else rows.y
    solver = linear_model.GroupLasso(l1_ratio=0.2, groups=groups, loss=loss, standardize=True).start(rows.x, y)
    assert model.coefficients.tobytes() == solver.fit(0.05).coefficients.tobytes()
    assert model.about["lambda"] == {"how": "given", "l1": 0.05 * 0.2, "l2": 0.0, "group": 0.05 * 0.8}
    assert "norms of groups = 0.04" in model.show()
    alone = tabular.train(rows, penalty_groups=["town+age"], lam=1e3, test=0, **family)
    assert not alone.coefficients.any()
    chosen = tabular.train(rows, penalty_groups="all", count=5, folds=3, test=0, **family)
    assert chosen.about["lambda"]["group"] == chosen.about["lambda"]["value"]  # l1_ratio is 0 with groups
    chosen.save(tmp_path / "m")
    assert tabular.load(tmp_path / "m").predict(rows).tolist() == chosen.predict(rows).tolist()


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("asked", [{"lam": 0.15}, {"count": 8, "folds": 3}], ids=["given", "chosen"])
def test_relaxed_is_the_least_squares_fit_on_the_support(visits, gaps, asked):
    if gaps:
        lines = visits.read_text().splitlines()
        lines[7] = "," + lines[7].partition(",")[2]
        visits.write_text("\n".join(lines) + "\n")
    rows = data.read_csv(
        visits, "size", categorical="town", ignore=["visits", "ill"], missing="keep" if gaps else "error"
    )
    plain = tabular.train(rows, test=0, **asked)
    model = tabular.train(rows, test=0, relax=True, **asked)
    support = np.flatnonzero(plain.coefficients)
    assert 0 < support.size < len(rows.names)
    x = np.where(np.isnan(rows.x), np.nanmean(rows.x, 0), rows.x)
    free = np.linalg.lstsq(np.column_stack([x[:, support], np.ones(len(x))]), rows.y, rcond=None)[0]
    assert model.coefficients[support] == pytest.approx(free[:-1], rel=1e-9)
    assert float(model.intercept) == pytest.approx(free[-1], rel=1e-9)
    assert "refitted without penalty" in model.show() and "refitted" not in plain.show()


def test_the_command_trains_the_same(visits, tmp_path, capsys):
    said = ["--target", "visits", "--categorical", "town", "--ignore", "size,ill", "--family", "poisson"]
    said += ["--penalty-groups", "town", "--lambda", "0.05"]
    assert run("train", visits, *said, "--out", tmp_path / "m") == 0
    text = capsys.readouterr().out
    assert "Poisson regression" in text and "linear regression" not in text  # no note that counts may be classes
    model = tabular.train(table(visits, "visits"), family="poisson", penalty_groups=["town"], lam=0.05)
    assert tabular.load(tmp_path / "m").coefficients.tobytes() == model.coefficients.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--family", "binomial"], "--family binomial predicts classes, and size holds numbers: name it in --categor"),
        (["--family", "poisson"], "--family poisson: size is -"),
        (["--huber-threshold", "2"], "--huber-threshold: add --family huber"),
        (["--penalty-groups", "twon"], "--penalty-groups: there is no input 'twon'; did you mean town?"),
        (["--penalty-groups", "town", "--l1", "1"], "penalty_groups and l1 or l2 are both given; with groups give lam"),
        (["--family", "huber", "--relax"], "--relax: --family huber has no refit without a penalty"),
        (["--model", "mlp", "--family", "huber"], "--family huber: of linear models"),
        (["--model", "mlp", "--relax"], "--relax: --model mlp has no such option"),
        (["--model", "mlp", "--penalty-groups", "all"], "--penalty-groups: --model mlp has no such option"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(visits, tmp_path, capsys, options, message):
    said = ["--target", "size", "--categorical", "town", "--ignore", "visits,ill", *options]
    assert run("train", visits, *said, "--out", tmp_path / "m") == 2
    assert message in capsys.readouterr().err and not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "gamma"}, "family is 'gamma'; need auto, gaussian"),
        ({"penalty_groups": 3}, "penalty_groups is 3; need 'all'"),
        ({"huber_threshold": 0.0, "family": "huber"}, "huber_threshold is 0; need a number above 0"),
        ({"family": "multinomial"}, "family multinomial predicts classes"),
        ({"model": "mlp", "family": "huber"}, "model 'mlp' takes no family"),
        ({"model": "mlp", "relax": True}, "model 'mlp' takes no relax"),
    ],
)
def test_in_python_too(visits, options, message):
    with pytest.raises(ValueError, match=message):
        tabular.train(table(visits, "size"), **options)
