"""Is it a noun, a verb, an adjective or an adverb? A bag of letter groups learns it, and word dropout keeps it honest.

python examples/words.py                       about half a minute
python examples/words.py --quick               two epochs: to see that it works
python examples/words.py --figure groups.png   which groups of letters speak for which class
"""

import argparse
from collections import Counter

import numpy as np

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import load_words, split
from minigrad.insight.plotting import LINES

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="two epochs only")
parser.add_argument("--figure", metavar="FILE", help="draw the strongest groups of each class (needs matplotlib)")
options = parser.parse_args()
epochs = 2 if options.quick else 25

# 12,000 words are part of the package. A word is the bag of its groups of 2 to 4 letters, < and > being its ends:
# happily has <h ha ap ... ly> ily> ... A group that fewer than five words for training have is left out.
words, y, classes = load_words()
number = np.arange(len(words))
training, test = split(number.reshape(-1, 1), y, test=0.2, seed=0, stratify=y)


def groups(word):
    ends = f"<{word}>"
    return [ends[i : i + n] for n in (2, 3, 4) for i in range(len(ends) - n + 1)]


count = Counter(group for i in training.x[:, 0].astype(int) for group in set(groups(words[i])))
known = {group: place for place, group in enumerate(sorted(g for g, c in count.items() if c >= 5), start=1)}
longest = max(len(groups(word)) for word in words)
bags = np.zeros((len(words), longest), np.int64)  # 0 is no group: padding, which counts for nothing
for row, word in enumerate(words):
    found = [known[group] for group in groups(word) if group in known]
    bags[row, : len(found)] = found
print(f"{len(words)} words, {len(known)} groups of letters that at least five words have")


def fitted(dropout):
    """A model whose table of groups drops rows with that probability, and how it fares."""
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.EmbeddingBag(len(known) + 1, 16, padding_idx=0, dropout=dropout),
        nn.Linear(16, len(classes)),
    )
    history = train.fit(
        model,
        (bags[training.x[:, 0].astype(int)], training.y),
        mg.cross_entropy,
        optim.Adam(model.parameters(), lr=5e-3),
        epochs=epochs,
        validation_data=(bags[test.x[:, 0].astype(int)], test.y),
        metrics=[train.accuracy],
        seed=0,
        compile="quiet",
    )
    return model, history


# The table has far more numbers than there are words, so it learns by heart. Word dropout (whole rows of the table are
# left out at random, in every batch others) forbids to rely on a single group.
results = {p: fitted(p) for p in (0.0, 0.3, 0.6)}
print("dropped  training accuracy  accuracy on other words")
for p, (_, history) in results.items():
    print(f"{p:7.0%}  {history['accuracy'][-1]:17.1%}  {history['val_accuracy'][-1]:23.1%}")

# What a group says by itself: its row through the linear layer.
model = results[0.6][0]
scores = model[1](mg.tensor(model[0].weight.data)).data
scores = scores - scores.mean(1, keepdims=True)
names = ["", *known]
strongest = {of: [names[i] for i in np.argsort(-scores[:, k])[:8]] for k, of in enumerate(classes)}
for of, found in strongest.items():
    print(f"{of:<10}", " ".join(found))

if options.figure:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(classes), figsize=(11, 3), sharex=True)
    for axis, (k, of) in zip(axes, enumerate(classes)):
        axis.barh(strongest[of][::-1], sorted(scores[:, k])[-8:], color=LINES[0])
        axis.set_title(of)
        axis.set_xlabel("score")
    figure.suptitle("Groups of letters that speak for a class: < and > are the ends of a word")
    figure.tight_layout()
    figure.savefig(options.figure, dpi=120)

best = max(results, key=lambda p: results[p][1]["val_accuracy"][-1])
right = results[best][1]["val_accuracy"][-1]
print(
    f"look at: {right:.1%} of {len(test.y)} words that were not learned from get their class, with {best:.0%} dropped"
)
