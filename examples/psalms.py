"""A network learns to write psalms letter by letter; dropped recurrent weights and units keep it from cramming.

python examples/psalms.py                     about two minutes
python examples/psalms.py --quick             a short text, a small network: to see that it works
python examples/psalms.py --figure curves.png what every pass over the text brings, on verses that were kept back
"""

import argparse
import math

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import load_psalms
from minigrad.nn.clipping import clip_grad_norm_

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="a short text and a small network")
parser.add_argument("--figure", metavar="FILE", help="draw how both networks fare (needs matplotlib)")
options = parser.parse_args()
width, epochs, rows, steps, rate = (64, 4, 16, 40, 1e-2) if options.quick else (160, 20, 32, 50, 4e-3)

# The psalms are part of the package. The last tenth is kept back: whoever learns by heart does not know it.
text = load_psalms()
text = text[:60_000] if options.quick else text
alphabet = sorted(set(text))
place = {letter: i for i, letter in enumerate(alphabet)}
letters = np.array([place[letter] for letter in text])
cut = len(letters) * 9 // 10
print(f"{len(text)} characters, {len(alphabet)} different ones; {len(text) - cut} of them are kept back")


class Writer(nn.Module):
    """The scores of the letter behind every letter, and the state from which the next piece of text goes on."""

    def __init__(self, p):
        self.table = nn.Embedding(len(alphabet), 32)
        self.core = nn.LSTM(32, width, recurrent_dropout=p, recurrent_init="orthogonal", forget_bias=1.0)
        self.drop = nn.VariationalDropout(p)  # one mask for all letters of a piece
        self.head = nn.Linear(width, len(alphabet))

    def forward(self, x, state=None):
        output, state = self.core(self.table(x), state)
        return self.head(self.drop(output.transpose(0, 1)).transpose(0, 1)), state


def pieces(part):
    """(letters, the letters behind them), (steps, rows) each: row r goes on where row r of the piece before ended."""
    n = (len(part) - 1) // rows // steps * steps
    x, y = (part[i : i + n * rows].reshape(rows, n).T for i in (0, 1))
    return [(x[t : t + steps].copy(), y[t : t + steps].copy()) for t in range(0, n, steps)]


def loss_of(model, x, y, state):
    scores, state = model(x, state)
    scores = scores.reshape(-1, len(alphabet))
    return mg.cross_entropy(scores, y.reshape(-1)), scores, tuple(s.detach() for s in state)


def judged(model):
    """(bits a character, share of next letters foretold) on the text that was kept back."""
    loss, right, state, kept = 0.0, 0.0, None, pieces(letters[cut:])
    model.eval()
    with mg.no_grad():
        for x, y in kept:
            mean, scores, state = loss_of(model, x, y, state)
            loss += mean.item() / len(kept)
            right += float((scores.data.argmax(1) == y.ravel()).mean()) / len(kept)
    model.train()
    return loss / math.log(2), right


def fitted(p):
    """A model that drops with probability p, and (bits in training, bits and share right on what was kept back)."""
    mg.manual_seed(0)
    model, history = Writer(p), []
    optimizer, parts = optim.Adam(model.parameters(), lr=rate), pieces(letters[:cut])
    for _ in range(epochs):
        state, total = None, 0.0
        for x, y in parts:
            optimizer.zero_grad()
            loss, _, state = loss_of(model, x, y, state)  # the state goes on, the gradient does not
            loss.backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() / len(parts) / math.log(2)
        history.append((total, *judged(model)))
    return model, history


results = {p: fitted(p) for p in (0.0, 0.3)}
print("dropped  bits a character while it learns  bits on verses kept back  letters foretold")
for p, (_, history) in results.items():
    print(f"{p:7.0%}  {history[-1][0]:31.2f}  {history[-1][1]:24.2f}  {history[-1][2]:16.1%}")

# The better one writes: each letter is drawn by its probability, a little in favour of what is likely.
best = min(results, key=lambda p: results[p][1][-1][1])
model, dice, written, state = results[best][0].eval(), np.random.default_rng(0), "The LORD ", None
with mg.no_grad():
    following = np.array([[place[letter]] for letter in written])
    for _ in range(60 if options.quick else 300):
        scores, state = model(following, state)
        chances = mg.softmax(scores[-1, 0] / 0.7, dim=0).data.astype(float)
        following = np.array([[dice.choice(len(alphabet), p=chances / chances.sum())]])
        written += alphabet[following.item()]
print(written)

if options.figure:
    import matplotlib.pyplot as plt

    for p, (_, history) in results.items():
        for k, (style, what) in enumerate((("--", "while it learns"), ("-", "verses kept back"))):
            plt.plot(range(1, epochs + 1), [row[k] for row in history], style, label=f"{what}, {p:.0%} dropped")
    plt.gca().set(xlabel="passes over the text", ylabel="bits a character")
    plt.legend()
    plt.savefig(options.figure, dpi=120)

bits, right = results[best][1][-1][1:]
print(f"look at: {right:.1%} of the letters kept back are foretold ({bits:.2f} bits each), with {best:.0%} dropped")
