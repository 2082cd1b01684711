"""Data: arrays that a model can train on, made from a seed, read from files, split, scaled and served in batches."""

from ..lazy_rows import LazyRows
from .batches.draws import Draws
from .batches.images import RandomFlip, RandomShift
from .batches.loader import Loader
from .batches.mixup import Mixup
from .dataset import Dataset, Weighted, check_weight, check_xy
from .formats.csv import read_csv
from .formats.idx import open_idx, read_idx, write_idx
from .formats.npy import open_npy
from .formats.table import Table
from .prepare.imputation import MeanImputer
from .prepare.labels import check_labels, noisy_labels, one_hot
from .prepare.scaling import Standardizer, standardize
from .prepare.splitting import Split, split, subsample
from .prepare.targets import class_weights, sample_weights, smooth_labels, weighted_targets
from .sets.digits import load_digits
from .sets.mnist import load_mnist
from .sets.synthetic import Regression, blobs, moons, regression, spirals
from .sets.texts import Words, load_psalms, load_words

__all__ = [
    "Dataset",
    "Draws",
    "LazyRows",
    "Loader",
    "MeanImputer",
    "Mixup",
    "RandomFlip",
    "RandomShift",
    "Regression",
    "Split",
    "Standardizer",
    "Table",
    "Weighted",
    "Words",
    "blobs",
    "check_labels",
    "check_weight",
    "check_xy",
    "class_weights",
    "load_digits",
    "load_mnist",
    "load_psalms",
    "load_words",
    "moons",
    "noisy_labels",
    "one_hot",
    "open_idx",
    "open_npy",
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
