# %% [markdown]
# # One backward pass, looked at from every side
#
# A small network, one step of training: its graph, the order in which gradients are formed, what each rule gave,
# what L1 adds, and what the step costs. Everything below is shown by the objects themselves.

# %%
import minigrad as mg
from minigrad import nn, reg
from minigrad.data import load_digits

mg.manual_seed(0)
x, y = load_digits()
x, y = x[:32], y[:32]
model = nn.Sequential(nn.Linear(64, 16, activation="relu"), nn.Linear(16, 10))
model

# %% [markdown]
# ## The smallest graph in which two gradients meet
#
# `e` is used twice. Its gradient is complete only when both uses have given theirs, so the walk goes from the newest
# node to the oldest: whatever uses a node is newer than it.

# %%
w = mg.tensor(2.0, requires_grad=True)
with mg.debug.trace() as small:
    e = w * 3.0 - 1.0
    (e * e).backward()
small

# %% [markdown]
# By hand: e = 5, so d(e²)/de = 2e = 10, and d(e²)/dw = 10 · 3 = 30.

# %%
assert w.grad.item() == 30.0
w.grad

# %% [markdown]
# ## The network's own pass
#
# The same table for the loss of 32 digits. Tensors with few elements are shown as numbers, larger ones as their shape
# and length.

# %%
with mg.debug.trace(model) as traced:
    loss = mg.cross_entropy(model(mg.tensor(x)), y)
    loss.backward()
traced

# %% [markdown]
# ## With a penalty
#
# The L1 norm of the first layer, λ Σ|w|, is one more op of the graph: `elastic_net` in the table. Its gradient is
# λ·sign(w), whatever the size of w, and it joins what the layer's product gave.

# %%
terms = reg.on(model, "0.weight", reg.L1(1e-3))
terms

# %%
alone = model[0].weight.grad.numpy().copy()
model.zero_grad()
with mg.debug.trace(model) as penalized:
    (mg.cross_entropy(model(mg.tensor(x)), y) + terms()).backward()
penalized

# %%
added = model[0].weight.grad.numpy() - alone
sorted({round(float(number), 6) for number in added.ravel()})

# %% [markdown]
# ## Step through it
#
# *Next* and *previous*, or the arrow keys, go through forward and backward; colours show the size of gradients.

# %%
mg.explain(mg.cross_entropy(model(mg.tensor(x)), y), model=model)

# %% [markdown]
# ## What the step costs
#
# Each kernel with its share of what the machine can do, and NumPy beside it; times differ from machine to machine, and
# the first call of each op is slower than the rest.

# %%
for _ in range(3):
    mg.cross_entropy(model(mg.tensor(x)), y).backward()
with mg.profile() as profile:
    mg.cross_entropy(model(mg.tensor(x)), y).backward()
profile
