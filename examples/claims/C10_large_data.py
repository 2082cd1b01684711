"""C10. On large data a step of training costs what it costs on small data.

Primary comparison: the compute of a step (forward, penalty, backward, update) of one network on batches of 32, on the
largest number of rows against the least, median ratio over rounds in turn: within 3%. The loader's gathering of rows is
reported apart.

    python examples/claims/C10_large_data.py [--quick]
"""

import statistics
import time
from itertools import chain, repeat

import minigrad as mg
from minigrad import optim, reg
from minigrad.data import Loader, blobs
from minigrad.lab.gallery.article_figures import curves
from minigrad.lab.gallery.claim import BATCH, Claim, network
from minigrad.train.loop import collector_paused

claim = Claim(__file__, __doc__)
ROUNDS, STEPS, MOST = claim.size["rounds"], claim.size["steps"], claim.size["rows"]
SIZES = [MOST // 64, MOST // 16, MOST // 4, MOST]
INPUTS, WITHIN = 256, 0.03

x, y = blobs(MOST, 10, INPUTS)
loaders = {rows: Loader(x[:rows], y[:rows], BATCH) for rows in SIZES}
mg.manual_seed(0)
model = network(INPUTS)
optimizer = optim.Adam(model.parameters(), lr=1e-6, penalty=reg.on(model, "*.weight", reg.L2(1e-3)))


def seconds(loader):
    """Median seconds to gather a batch, and to compute a step on it."""
    batches, gather, compute = chain.from_iterable(repeat(loader)), [], []
    for _ in range(STEPS):
        start = time.perf_counter()
        rows, labels = next(batches)
        gathered = time.perf_counter()
        optimizer.zero_grad()
        mg.cross_entropy(model(mg.from_numpy(rows)), labels).backward()
        optimizer.step()
        gather.append(gathered - start)
        compute.append(time.perf_counter() - gathered)
    return statistics.median(gather[1:]), statistics.median(compute[1:])


claim.section(f"One network of {INPUTS}-64-64-10 units with L2, batches of {BATCH}, {STEPS} steps a round")
found = {rows: [] for rows in SIZES}
with collector_paused():
    for turn in range(ROUNDS):
        for rows in SIZES[turn % len(SIZES) :] + SIZES[: turn % len(SIZES)]:
            found[rows].append(seconds(loaders[rows]))
least = found[SIZES[0]]
middle = {rows: [1e6 * statistics.median(column) for column in zip(*times)] for rows, times in found.items()}
ratios = {
    rows: [statistics.median(a[i] / b[i] for a, b in zip(times, least)) for i in (0, 1)]
    for rows, times in found.items()
}
claim.table(
    ("rows", "gather µs", "of the least", "compute µs", "of the least"),
    [
        [
            f"{rows:,}",
            f"{middle[rows][0]:.1f}",
            f"{ratios[rows][0]:.3f}",
            f"{middle[rows][1]:.1f}",
            f"{ratios[rows][1]:.3f}",
        ]
        for rows in SIZES
    ],
)
off = ratios[MOST][1] - 1
claim.finds(
    f"compute of a step, {MOST:,} rows against {SIZES[0]:,}: {off:+.1%}, within {WITHIN:.0%}", abs(off) <= WITHIN
)
claim.says(
    f"Gathering a batch takes {ratios[MOST][0]:.2f} times as long: the rows of a batch lie all over the data, and more "
    "of them lie outside the processor's caches. An epoch takes longer in proportion to its steps."
)
claim.figure(
    lambda: curves(
        {
            "microseconds of a step": {
                name: (SIZES, [middle[rows][i] for rows in SIZES])
                for i, name in enumerate(("gathering a batch", "compute"))
            }
        },
        "rows",
        "µs",
        log="x",
        height=3.4,
    ),
    "Time of a step over the number of rows: gathering and compute",
)
claim.look_at(f"{off:+.1%} of compute between {SIZES[0]:,} and {MOST:,} rows")
