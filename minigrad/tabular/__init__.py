"""Models of tables, from file to file: train on a CSV file, keep the model with all that it needs, predict new rows.

`model = tabular.train("houses.csv", "price", categorical=["town"])`, `model.save("houses-model")`; in another program
`tabular.load("houses-model").predict("new.csv")`. The commands train, predict and show do the same.
"""

from .predictor import Predictor, load
from .training import train

__all__ = ["Predictor", "load", "train"]
