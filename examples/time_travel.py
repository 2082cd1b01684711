"""A training is recorded, opened at any of its steps, and asked: why is this weight 0, since when is this unit dead?

python examples/time_travel.py            about ten seconds
python examples/time_travel.py --quick    eight epochs: to see that it works
"""

import argparse
import tempfile
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.data import load_digits, split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="eight epochs only")
epochs = 8 if parser.parse_args().quick else 60

digits = load_digits()
data, held_out = split(digits.x, digits.y, test=0.2, seed=0, stratify=digits.y)


# What fit is given, made anew each time: open_run makes the steps again with it, and needs the same parts.
def build():
    """(model, loss, optimizer)"""
    model = nn.Sequential(nn.Linear(64, 32, activation="relu"), nn.Linear(32, 10))
    prox = reg.on(model, "*.weight", reg.L1(1e-3))
    return model, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.2, prox=prox)


with tempfile.TemporaryDirectory() as folder:
    mg.manual_seed(0)
    model, loss, optimizer = build()
    record = train.Record(f"{folder}/run", megabytes=2)
    train.fit(model, data, loss, optimizer, epochs=epochs, seed=0, callbacks=[record])

    run = train.open_run(f"{folder}/run", build, data)
    print(f"{run}\n".replace(folder, "..."))

    # Any step, to the last bit: its batch, its gradients, the weights before and after its update.
    began = time.perf_counter()
    moment = run.at(run.steps // 2)
    print(f"{moment}, opened in {1e3 * (time.perf_counter() - began):.0f} ms")
    print(f"its batch has the digits {moment.batch[1][:10].tolist()} ..., rows {moment.rows[:4].tolist()} ...")
    size = np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in moment.gradients.values()))
    moment.optimizer.step()
    same = all((p.data == moment.after[name]).all() for name, p in moment.model.named_parameters())
    bits = "the same bits" if same else "OTHER BITS"
    print(f"its gradient has the norm {size:.4f}; its update, made again: {bits}\n")

    # The zeros of the model: when did each come, and why?
    zeros = np.argwhere(model[0].weight.data == 0)
    print(f"{len(zeros)} of {model[0].weight.data.size} weights of the first layer are 0. The first pixel is always")
    print("white, so that its weights have no gradient, and L1 alone moves them:")
    print(f"  {run.why_zero('0.weight', 0, 0)}")
    inked = [tuple(map(int, place)) for place in zeros if data.x[:, place[0]].any()]
    if inked:
        print("A pixel that has ink:")
        answer = run.why_zero("0.weight", *inked[len(inked) // 2])
        print(f"  {answer}")

    # Units and losses.
    print(f"\n{run.since_dead('0', 7)}")
    print(f"\n{run.loss_jump()}")
    print(f"\n{run.check()}")

score = train.evaluate(model, held_out, loss, metrics=[train.accuracy])["accuracy"]
print(f"\nlook at: {100 * score:.1f}% of 359 digits, and each of {len(zeros)} zeros can say since which step it is one")
