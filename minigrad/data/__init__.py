"""Data: arrays that a model can train on, made from a seed, read from files, split, scaled and served in batches."""

from .arrays import Dataset, check_xy
from .csv import Table, read_csv
from .digits import load_digits
from .idx import read_idx, write_idx
from .imputation import MeanImputer
from .labels import check_labels, noisy_labels, one_hot
from .loader import Loader
from .mnist import load_mnist
from .scaling import Standardizer, standardize
from .splitting import Split, split
from .synthetic import Regression, blobs, moons, regression, spirals

__all__ = [
    "Dataset",
    "Loader",
    "MeanImputer",
    "Regression",
    "Split",
    "Standardizer",
    "Table",
    "blobs",
    "check_labels",
    "check_xy",
    "load_digits",
    "load_mnist",
    "moons",
    "noisy_labels",
    "one_hot",
    "read_csv",
    "read_idx",
    "regression",
    "spirals",
    "split",
    "standardize",
    "write_idx",
]
