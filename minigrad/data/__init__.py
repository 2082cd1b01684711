"""Data: arrays that a model can train on, made from a seed, read from files, split, scaled and served in batches."""

from .arrays import Dataset, check_xy
from .csv import Table, read_csv
from .digits import load_digits
from .draws import Draws
from .idx import read_idx, write_idx
from .images import RandomFlip, RandomShift
from .imputation import MeanImputer
from .labels import check_labels, noisy_labels, one_hot
from .loader import Loader
from .mixup import Mixup
from .mnist import load_mnist
from .scaling import Standardizer, standardize
from .splitting import Split, split, subsample
from .synthetic import Regression, blobs, moons, regression, spirals
from .targets import class_weights, sample_weights, smooth_labels, weighted_targets

__all__ = [
    "Dataset",
    "Draws",
    "Loader",
    "MeanImputer",
    "Mixup",
    "RandomFlip",
    "RandomShift",
    "Regression",
    "Split",
    "Standardizer",
    "Table",
    "blobs",
    "check_labels",
    "check_xy",
    "class_weights",
    "load_digits",
    "load_mnist",
    "moons",
    "noisy_labels",
    "one_hot",
    "read_csv",
    "read_idx",
    "regression",
    "sample_weights",
    "smooth_labels",
    "spirals",
    "split",
    "standardize",
    "subsample",
    "weighted_targets",
    "write_idx",
]
