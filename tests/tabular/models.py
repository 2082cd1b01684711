"""The kinds of models that are tried, as options of tabular.train."""

READ = {"delimiter": ";", "decimal": ",", "index": "id"}
PRICE = {**READ, "target": "price", "categorical": ["town"], "ignore": ["sold"]}
SOLD = {**READ, "target": "sold", "categorical": ["town", "sold"], "ignore": ["price"]}
TOWN = {**READ, "target": "town", "categorical": ["town", "sold"], "ignore": ["sold", "price"]}
KINDS = {
    "linear": {**PRICE, "count": 8},
    "linear, given": {**PRICE, "lam": 10.0, "l1_ratio": 0.5},
    "ridge, 1se": {**PRICE, "count": 8, "l1_ratio": 0.0, "pick": "1se"},
    "logistic": {**SOLD, "count": 8, "folds": 3},
    "logistic, three classes": {**TOWN, "l1": 0.01, "l2": 0.1},
    "mlp": {**PRICE, "model": "mlp", "hidden": (8, 4), "epochs": 12, "lr": 1e-2, "l1": 1e-3, "dropout": 0.2},
    "mlp, classes": {**SOLD, "model": "mlp", "hidden": 8, "epochs": 6, "validation": 0.0},
    "mlp, λ chosen": {**TOWN, "model": "mlp", "hidden": 4, "lam": "cv", "count": 3, "folds": 3, "epochs": 3},
}
