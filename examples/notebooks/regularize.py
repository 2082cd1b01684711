# %% [markdown]
# # Choosing a penalty, and seeing what it did
#
# 300 digits of 8 x 8 pixels to learn from, a fifth of them with a wrong label; 1,000 others to judge by. First a linear
# model with λ chosen by cross-validation, then a network without and with L1.

# %%
import minigrad as mg
from minigrad import linear_model, nn, optim, reg, selection, train
from minigrad.data import load_digits, noisy_labels

x, y = load_digits("float64")
few, wrong = x[:300], noisy_labels(y[:300], share=0.2, classes=10, seed=0)
test_x, test_y = x[300:1300], y[300:1300]

# %% [markdown]
# ## λ by cross-validation
#
# A logistic model with L1, five folds. The best mean flatters itself, so the table also marks the largest λ within one
# standard error of it.

# %%
family = linear_model.Logistic(tol=1e-6)
cv = selection.cross_validate(family, few, wrong, count=12, ratio=0.02, folds=5)
cv

# %%
cv.plot()

# %%
for name, chosen in {"best": cv.model, "one error": cv.model_1se}.items():
    right = (chosen.output(test_x).argmax(1) == test_y).mean()
    print(f"{name}: {100 * right:.1f}% of 1000 other digits, {chosen.nonzeros} of 64 pixels in use")

# %% [markdown]
# ## A network, without and with L1
#
# The proximal step stops a weight at exactly 0 where the data pull less than λ. `Progress` writes every twentieth
# epoch, `Watch` looks after the training's health.


# %%
def trained(strength):
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64, activation="relu"), nn.Linear(64, 10))
    terms = reg.on(model, "*.weight", reg.L1(strength)) if strength else None
    watch = train.Watch(every="5 epochs")
    history = train.fit(
        model,
        (few.astype("float32"), wrong),
        mg.cross_entropy,
        optim.Adam(model.parameters(), lr=2e-3, prox=terms),
        epochs=60,
        validation_data=(test_x.astype("float32"), test_y),
        metrics=[train.accuracy],
        callbacks=[train.Progress(every=20), watch],
        seed=0,
    )
    return model, history, watch


plain, without, _ = trained(0.0)
sparse, with_l1, watch = trained(2e-3)

# %%
without.plot()

# %%
with_l1.plot()

# %%
with_l1

# %%
watch

# %%
reg.sparsity(sparse)

# %% [markdown]
# Units whose weights are all 0 can go. `compact` takes them out; the outputs stay as they were.

# %%
small = reg.compact(sparse)
nn.summary(small, mg.tensor(test_x[:1].astype("float32")))

# %%
for name, history in {"without": without, "with L1": with_l1}.items():
    print(
        f"{name}: {100 * history['val_accuracy'][-1]:.1f}% of 1000 other digits, "
        f"training loss {history['loss'][-1]:.3f}, loss on the others {history['val_loss'][-1]:.3f}"
    )
