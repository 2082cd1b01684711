"""--family and --penalty-groups of `minigrad cv` and `path`, and that `predict` and `show` read what they keep."""

import csv
import json

import numpy as np
import pytest

from minigrad import cli, tabular
from minigrad.linear_model import GroupLasso, Huber, Poisson, robust_scale

TOWNS = ("oslo", "rome", "bern")


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    """A file of 60 rows: age, town, dose (numbers with outliers), visits (counts), ill (yes or no), kind (three)."""
    draw = np.random.default_rng(2)
    age, town = draw.standard_normal(60), np.arange(60) % 3
    rate = np.exp(0.5 * age + 0.4 * (town == 1))
    dose = age + (town == 2) + 0.3 * draw.standard_t(1.5, 60)
    file = tmp_path_factory.mktemp("visits") / "visits.csv"
    rows = [
        f"{a:.6f},{TOWNS[t]},{d:.6f},{c},{'yes' if z > 0 else 'no'},{'uvw'[k]}"
        for a, t, d, c, z, k in zip(age, town, dose, draw.poisson(rate), dose + draw.standard_normal(60), town[::-1])
    ]
    file.write_text("age,town,dose,visits,ill,kind\n" + "\n".join(rows) + "\n")
    return file


def table(visits):
    rows = list(csv.DictReader(visits.read_text().splitlines()))
    x = np.array([[float(r["age"]), *(float(r["town"] == t) for t in sorted(TOWNS))] for r in rows])
    return x, rows


def run(command, visits, out, *options, target="visits", others="dose,ill,kind"):
    words = "town" if target in ("visits", "dose") else f"town,{target}"
    told = [command, visits, "--target", target, "--categorical", words, "--ignore", others, "--no-figures"]
    return cli.main([*map(str, told), "--count", "8", "--out", str(out), *map(str, options)])


def test_counts_from_file_to_predictions(visits, tmp_path, capsys):
    assert run("cv", visits, tmp_path, "--family", "poisson", "--folds", 3) == 0
    told = capsys.readouterr().out
    assert "60 rows, 4 inputs, Poisson (l1_ratio = 1.0, standardize = True)" in told
    assert "poisson_deviance, 3 folds" in told and "AIC" in told
    x, rows = table(visits)
    y = np.array([float(r["visits"]) for r in rows])
    found = json.loads((tmp_path / "cv.json").read_text())
    model = Poisson(standardize=True).start(x, y).fit(found["lambda_min"])
    kept = tabular.load(tmp_path)
    assert kept.predict(visits) == pytest.approx(model.mean(x), rel=1e-6)
    explained = kept.about["scores"]["training"]["deviance explained"]
    assert explained == pytest.approx(model.deviance_explained, abs=1e-6)
    assert cli.main(["predict", str(tmp_path), str(visits)]) == 0
    printed = capsys.readouterr()
    first = float(printed.out.splitlines()[1])
    assert first == pytest.approx(model.mean(x)[0], rel=1e-4) and "deviance explained" in printed.err
    assert cli.main(["show", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Poisson regression, 4 inputs" in shown and "the log rate of visits" in shown


def test_a_robust_fit_and_its_threshold(visits, tmp_path, capsys):
    assert run("path", visits, tmp_path, "--family", "huber", target="dose", others="visits,ill,kind") == 0
    x, rows = table(visits)
    y = np.array([float(r["dose"]) for r in rows])
    scale = robust_scale(y)
    assert f"Huber (l1_ratio = 1.0, standardize = True, threshold = {1.35 * scale:.6g})" in capsys.readouterr().out
    plain = json.loads((tmp_path / "path.json").read_text())
    family = Huber(scale=scale, standardize=True)
    solver = family.start(x, y)
    models = [solver.fit(lam) for lam in plain["lambdas"]]
    assert plain["coefficients"][-1] == pytest.approx(models[-1].coefficients.tolist(), abs=1e-6)
    assert tabular.load(tmp_path).predict(visits) == pytest.approx(models[-1].output(x), abs=1e-5)
    options = ("--family", "huber", "--huber-threshold", 0.5)
    assert run("path", visits, tmp_path, *options, target="dose", others="visits,ill,kind") == 0
    assert "threshold = 0.5)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("family", "target", "others"),
    [
        ("gaussian", "dose", "visits,ill,kind"),
        ("poisson", "visits", "dose,ill,kind"),
        ("auto", "ill", "dose,visits,kind"),
    ],
)
def test_groups(visits, tmp_path, capsys, family, target, others):
    options = ("--family", family, "--penalty-groups", "all")
    assert run("path", visits, tmp_path, *options, target=target, others=others) == 0
    assert "2 groups" in capsys.readouterr().out
    plain = json.loads((tmp_path / "path.json").read_text())
    assert plain["names"] == ["age", "town=bern", "town=oslo", "town=rome"]
    towns = np.array(plain["coefficients"])[:, 1:] != 0
    assert (towns.all(1) | ~towns.any(1)).all() and towns.any() and not towns.all()
    x, rows = table(visits)
    y = np.array([(r[target] == "yes") if target == "ill" else float(r[target]) for r in rows])
    loss = {"dose": "squared", "visits": "poisson", "ill": "logistic"}[target]
    solver = GroupLasso(groups=[0, 1, 1, 1], loss=loss, standardize=True).start(
        x, y.astype(int if loss == "logistic" else float)
    )
    assert plain["lambdas"][0] == pytest.approx(solver.lambda_max(), rel=1e-5)
    kept = tabular.load(tmp_path)
    assert set(kept.about["lambda"]) == {"how", "l1", "l2", "group"} and kept.about["lambda"]["l1"] == 0
    assert cli.main(["show", str(tmp_path)]) == 0
    assert "norms of groups = " in capsys.readouterr().out


def test_named_groups_and_a_share_of_l1(visits, tmp_path, capsys):
    options = ("--penalty-groups", "town+age", "--l1-ratio", 0.5, "--folds", 3)
    assert run("cv", visits, tmp_path, *options, target="dose", others="visits,ill,kind") == 0
    assert "GroupLasso (l1_ratio = 0.5, standardize = True, loss = squared, 1 groups)" in capsys.readouterr().out


def test_three_classes_are_multinomial(visits, tmp_path, capsys):
    options = ("--family", "multinomial", "--folds", 3)
    assert run("cv", visits, tmp_path, *options, target="kind", others="dose,ill,visits") == 0
    assert "Logistic" in capsys.readouterr().out


def test_exposures_and_what_they_cannot_have(tmp_path, capsys):
    draw = np.random.default_rng(5)
    x, days = draw.standard_normal(40), draw.uniform(1, 5, 40)
    y = draw.poisson(days * np.exp(0.6 * x))
    file = tmp_path / "stays.csv"
    file.write_text(
        "x,log_days,y\n" + "\n".join(f"{a!r},{b!r},{c}" for a, b, c in zip(x.tolist(), np.log(days).tolist(), y))
    )
    told = ["path", str(file), "--family", "poisson", "--no-figures", "--count", "5", "--out", str(tmp_path / "out")]
    assert cli.main([*told, "--offset", "log_days"]) == 0
    plain = json.loads((tmp_path / "out" / "path.json").read_text())
    model = Poisson(standardize=True).start(x[:, None], y, offset=np.log(days)).fit(plain["lambdas"][-1])
    assert plain["coefficients"][-1] == pytest.approx(model.coefficients.tolist(), abs=1e-6)
    assert tabular.load(tmp_path / "out").predict(file) == pytest.approx(model.mean(x[:, None], np.log(days)), rel=1e-6)
    capsys.readouterr()
    assert cli.main([*told, "--lower", "0"]) == 2
    assert "Poisson takes no bounds: leave lower and upper out" in capsys.readouterr().err
    assert cli.main(["cv", *told[1:], "--relax"]) == 2
    assert "--relax: --family poisson has no refit without a penalty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "target", "message"),
    [
        (["--family", "binomial"], "visits", "--family binomial predicts classes, and visits holds numbers"),
        (["--family", "poisson"], "ill", "--family poisson predicts numbers, and ill holds classes"),
        (["--family", "binomial"], "kind", "binomial is for two classes; kind has 3: use multinomial"),
        (["--family", "poisson"], "dose", "need counts of at least 0"),
        (["--family", "poisson", "--model", "mlp"], "visits", "--family poisson: of linear models"),
        (["--family", "poisson", "--score", "mse"], "visits", "'mse' takes predictions, and Poisson answers log rates"),
        (["--huber-threshold", "2"], "dose", "--huber-threshold: add --family huber"),
        (
            ["--penalty-groups", "all", "--family", "huber"],
            "dose",
            "--family huber takes none; gaussian, binomial, poi",
        ),
        (["--penalty-groups", "twon"], "dose", "there is no input 'twon'; did you mean town?; there are town, age"),
        (["--penalty-groups", "town,town+age"], "dose", "town is in town and in town+age"),
        (["--penalty-groups", "all", "--model", "mlp"], "dose", "--penalty-groups: --model mlp has no such option"),
    ],
)
def test_what_is_refused(visits, tmp_path, capsys, options, target, message):
    others = ",".join(name for name in ("dose", "visits", "ill", "kind") if name != target)
    assert run("cv", visits, tmp_path / "out", *options, target=target, others=others) == 2
    assert message in capsys.readouterr().err


def test_equal_targets_have_no_robust_scale(tmp_path, capsys):
    file = tmp_path / "flat.csv"
    file.write_text("a,y\n" + "\n".join(f"{i},{0 if i < 15 else i}" for i in range(20)))
    assert cli.main(["cv", str(file), "--family", "huber", "--out", str(tmp_path / "out")]) == 2
    assert "its robust scale is 0: give --huber-threshold" in capsys.readouterr().err
