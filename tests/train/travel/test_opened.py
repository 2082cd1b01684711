"""A recorded run at any of its steps, compared with a log of all steps that the training itself wrote."""

import warnings

import numpy as np
import pytest
from train.travel.recorded import X, Y, arguments, everything, plain, record, same

import minigrad as mg
from minigrad import nn, optim
from minigrad.train import Callback, EarlyStopping, LearningRate, fit, open_run

BUILDS = {"adam": everything, "sgd": plain(prox=lambda: mg.reg.L1(1e-3), momentum=0.5)}


@pytest.mark.parametrize("name", BUILDS)
def test_each_moment_has_the_bits_of_the_training(name, backend, tmp_path):
    log, run = record(tmp_path / "run", BUILDS[name], megabytes=0.06)
    assert run.steps == len(log.steps) == 60
    for step in (1, 2, 5, 6, 31, 60, 59):
        moment = run.at(step)
        before, gradients, after = log.steps[step - 1]
        assert same(moment.before, before) and same(moment.gradients, gradients) and same(moment.after, after)
        assert moment.loss == run.losses[step - 1]
        assert (moment.epoch, moment.number) == ((step + 4) // 5, (step - 1) % 5 + 1)
        assert same(dict(moment.model.state_dict()), before)
        moment.optimizer.step()
        assert same(dict(moment.model.state_dict()), after)


@pytest.mark.parametrize("name", BUILDS)
def test_walking_gives_every_moment_and_each_is_its_own(name, tmp_path):
    log, run = record(tmp_path / "run", BUILDS[name])
    moments = list(run.walk(3, 40))
    assert [moment.step for moment in moments] == list(range(3, 41))
    for moment in moments:
        assert same(moment.before, log.steps[moment.step - 1][0]) and same(moment.after, log.steps[moment.step - 1][2])


def test_a_replayed_training_is_the_same_run(tmp_path):
    log, _ = record(tmp_path / "eager", everything)
    _, run = record(tmp_path / "replayed", everything, compile=True)
    for step in (1, 17, 60):
        assert same(run.at(step).after, log.steps[step - 1][2])
    assert run.check().startswith("equal: 60 steps")


def test_the_batch_of_a_moment_is_that_of_the_training(tmp_path):
    seen = []

    class Rows(Callback):
        only_looks = True

        def on_batch_end(self, run):
            seen.append(run.parts[0].value)

    _, run = record(tmp_path / "run", plain(), more=[Rows()], epochs=3)
    moment = run.at(8)
    assert (moment.batch[0] == X[moment.rows]).all() and (moment.batch[1] == Y[moment.rows]).all()
    assert len({*run.at(6).rows.tolist()} | {*run.at(7).rows.tolist()}) == 64
    assert moment.loss == seen[7]


def test_the_streams_of_the_program_and_its_modes_stay(tmp_path):
    _, run = record(tmp_path / "run", everything)
    mg.manual_seed(99)
    before = mg.rng.get_state()
    run.at(20), run.check(1), run.loss_jump(20)
    assert mg.rng.get_state() == before


def test_a_callback_that_only_looks_need_not_be_built_again(tmp_path):
    stop = EarlyStopping("loss", patience=1, restore=False, min_delta=10.0)
    log, run = record(tmp_path / "run", everything, more=[stop], epochs=12)
    assert run.steps == 10 and same(run.at(9).after, log.steps[8][2]) and "equal" in run.check()


def test_a_sum_over_batches_has_no_update_in_between(tmp_path):
    def build():
        return {**arguments(plain()()), "callbacks": [mg.train.AccumulateGradients(2)]}

    log, run = record(tmp_path / "run", build, epochs=3)
    assert [run.at(step).updated for step in (1, 2, 3, 4, 5)] == [False, True, False, True, True]
    assert same(run.at(4).after, log.steps[3][2])


def test_data_that_changed_is_refused(tmp_path):
    record(tmp_path / "run", plain())
    other = X.copy()
    other[77, 3] += 1e-3
    with pytest.raises(ValueError, match=r"data x was float32 .*, hash .*, now it is float32 .*, hash"):
        open_run(tmp_path / "run", plain(), (other, Y))
    with pytest.raises(ValueError, match="data y was"):
        open_run(tmp_path / "run", plain(), (X, 1 - Y))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (plain(lr=0.2), "options of the optimizer lr was 0.1, now it is 0.2"),
        (plain(prox=lambda: mg.reg.L1(1e-3)), "terms"),
        (plain(bias=False), "model 0.bias was float32"),
        (plain(loss=mg.nll_loss), "loss was cross_entropy, now it is nll_loss"),
        (everything, "callbacks"),
    ],
)
def test_another_training_is_refused_by_name(build, said, tmp_path):
    record(tmp_path / "run", plain())
    with pytest.raises(ValueError, match=said):
        open_run(tmp_path / "run", build, (X, Y))


def test_a_callback_that_acts_is_missed_by_name(tmp_path):
    record(tmp_path / "run", everything)
    with pytest.raises(ValueError, match="callbacks was LearningRate"):
        open_run(tmp_path / "run", lambda: {**everything(), "callbacks": []}, (X, Y))


def test_a_function_that_changed_is_seen_by_its_bits(tmp_path):
    scale = [1.0]

    def loss(output, y):
        return mg.cross_entropy(output, y) * scale[0]

    def build():
        model, _, optimizer = plain()()
        return model, loss, optimizer

    record(tmp_path / "run", build)
    scale[0] = 1.0001
    with pytest.raises(ValueError, match=r"step 1, made again, has the loss .*, and had .*: other bits"):
        open_run(tmp_path / "run", build, (X, Y))


def test_a_step_further_on_is_compared_too(tmp_path):
    log, run = record(tmp_path / "run", plain())
    run.losses[40] = np.nextafter(run.losses[40], 9)
    with pytest.raises(ValueError, match="step 41, made again, has the loss"):
        run.check()


def test_check_finds_a_snapshot_of_other_bits(tmp_path):
    _, run = record(tmp_path / "run", plain())
    name, path = sorted(run._snapshots.items())[4]
    saved = mg.load(path)
    saved["model.0.bias"][3] += 1e-6
    mg.save(path, dict(saved), metadata=saved.metadata)
    with pytest.raises(ValueError, match=f"step {name}: 0.bias has other bits"):
        run.check()


def test_errors_name_what_would_do(tmp_path):
    _, run = record(tmp_path / "run", plain(), epochs=2)
    with pytest.raises(ValueError, match="steps count from 1"):
        run.at(0)
    with pytest.raises(ValueError, match="step 11: the training has 10 steps"):
        run.at(11)
    with pytest.raises(FileNotFoundError, match="there is no such folder; need the folder of a recorded training"):
        open_run(tmp_path / "none", plain(), (X, Y))
    with pytest.raises(TypeError, match="open_run: build is a Sequential; need a function"):
        open_run(tmp_path / "run", nn.Sequential(), (X, Y))
    with pytest.raises(TypeError, match="the dict of build\\(\\) has no 'loss'"):
        open_run(tmp_path / "run", lambda: {"model": 1, "optimizer": 2}, (X, Y))
    with pytest.raises(TypeError, match="build\\(\\) returned a list"):
        open_run(tmp_path / "run", lambda: [1, 2], (X, Y))
    (tmp_path / "run" / "run.json").write_text('{"kind": "minigrad record 9"}')
    with pytest.raises(ValueError, match="its kind is 'minigrad record 9'; this version"):
        open_run(tmp_path / "run", plain(), (X, Y))


def test_it_prints_what_it_is(tmp_path):
    _, run = record(tmp_path / "run", everything, epochs=2)
    assert "10 steps of Adam in 2 epochs" in str(run) and "batches of 32, 5 an epoch; seed 5" in str(run)
    assert repr(run).endswith("10 steps)") and repr(run.at(7)).startswith("Moment(step 7: epoch 2, batch 2; loss 0.")


def test_a_schedule_of_validation_data_needs_it(tmp_path):
    def build():
        made = arguments(plain(lr=0.5)())
        plateau = optim.ReduceLROnPlateau(made["optimizer"], patience=0, factor=0.5)
        return {**made, "callbacks": [LearningRate(plateau)], "validation_data": (X[:40], 1 - Y[:40])}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log, run = record(tmp_path / "run", build, epochs=6)
    assert run.at(30).optimizer.param_groups[0]["lr"] < 0.5
    assert same(run.at(28).after, log.steps[27][2]) and "equal" in run.check()


def test_fit_goes_on_from_a_record(tmp_path):
    log, _ = record(tmp_path / "run", plain(), epochs=6)
    log12, _ = record(tmp_path / "other", plain(), epochs=12)
    given = arguments(plain()())
    fit(
        **given, data=(X, Y), epochs=12, batch_size=32, seed=5, resume=tmp_path / "run",
        callbacks=[mg.train.Record(tmp_path / "run")],
    )  # fmt: skip
    run = open_run(tmp_path / "run", plain(), (X, Y))
    assert run.steps == 60 and same(run.at(60).after, log12.steps[59][2]) and not np.isnan(run.losses).any()
