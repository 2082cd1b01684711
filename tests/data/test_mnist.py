"""mnist: found where it is said to be, whole, exact; or an error that says what to do."""

import gzip
import hashlib
import io
import os
import urllib.request

import numpy as np
import pytest

from minigrad.data import load_mnist, write_idx
from minigrad.data.sets import mnist

REAL = os.environ.get("MINIGRAD_DATA")
needs_mnist = pytest.mark.skipif(
    not REAL or not os.path.isdir(os.path.join(REAL, "mnist")), reason="MINIGRAD_DATA names no folder with mnist in it"
)
TRAIN_X = np.arange(3 * 784, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
ARRAYS = {
    "train-images-idx3-ubyte": TRAIN_X,
    "train-labels-idx1-ubyte": np.array([9, 0, 5], np.uint8),
    "t10k-images-idx3-ubyte": TRAIN_X[:2][::-1],
    "t10k-labels-idx1-ubyte": np.array([1, 2], np.uint8),
}


class Answer(io.BytesIO):
    url: str


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty MINIGRAD_DATA and an empty cache; returns the two folders of MNIST in them."""
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data" / "mnist", tmp_path / "cache" / "minigrad" / "mnist"


def put(folder, ending="", **changed):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in {**ARRAYS, **{name.replace("_", "-"): array for name, array in changed.items()}}.items():
        write_idx(folder / f"{name}{ending}", array)


@needs_mnist
def test_the_real_thing():
    train, test = load_mnist()
    assert train.x.shape == (60000, 784)
    assert test.x.shape == (10000, 784)
    assert train.x.dtype == np.float32
    assert train.y.dtype == np.int64
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert abs(train.x.mean(dtype=np.float64) - 0.1306604762738429) < 1e-8
    assert (float(train.x.min()), float(train.x.max())) == (0.0, 1.0)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_names_with_a_dot(places, ending):
    """Some archives unpack to train-images.idx3-ubyte."""
    put(places[0], ending)
    for path in list(places[0].iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    train, test = load_mnist(verify=False)
    assert train.y.tolist() == [9, 0, 5] and test.y.tolist() == [1, 2]


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("place", [0, 1])
def test_files_are_found_in_both_places_plain_and_packed(places, ending, place):
    put(places[place], ending)
    train, test = load_mnist(verify=False)
    assert train.x.shape == (3, 784)
    assert train.y.tolist() == [9, 0, 5]
    assert test.y.tolist() == [1, 2]


def test_the_chosen_folder_comes_before_the_cache(places, monkeypatch):
    put(places[1])
    put(places[0], train_labels_idx1_ubyte=np.array([1, 1, 1], np.uint8))
    assert load_mnist(verify=False).train.y.tolist() == [1, 1, 1]
    monkeypatch.delenv("MINIGRAD_DATA")
    assert load_mnist(verify=False).train.y.tolist() == [9, 0, 5]


def test_the_cache_has_a_default_place(monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", os.sep + "somebody")
    assert [str(folder) for folder in mnist.folders()] == [
        os.sep + os.path.join("somebody", ".cache", "minigrad", "mnist")
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_are_exactly_rounded_quotients(places, dtype):
    put(places[0])
    x = load_mnist(dtype=dtype, flat=False, verify=False).train.x
    assert x.shape == (3, 1, 28, 28)
    assert x.dtype == dtype
    table = np.array(
        [pixel / 255 for pixel in range(256)]
    )  # float64, rounded once: float32 of it is rounded right too,
    # for a quotient of two 8-bit numbers never lies within 2⁻⁵³ of the middle between two float32
    np.testing.assert_array_equal(x.reshape(3, 28, 28), table.astype(dtype)[TRAIN_X])


def test_missing_files_say_where_was_looked_and_the_two_ways_out(places, monkeypatch):
    put(places[0])
    (places[0] / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(urllib.request, "urlopen", None)  # the web is not asked
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist()
    for part in ("t10k-labels-idx1-ubyte", str(places[0]), str(places[1]), "download=True", "MINIGRAD_DATA"):
        assert part in str(caught.value)
    assert "train-images" not in str(caught.value)


def test_other_data_in_the_same_files_is_refused_unless_allowed(places):
    put(places[0])
    with pytest.raises(ValueError, match="not MNIST's train-images-idx3-ubyte: SHA-256"):
        load_mnist()


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("train_labels_idx1_ubyte", np.array([1, 2], np.uint8), "train files hold"),
        ("train_images_idx3_ubyte", TRAIN_X[:, :27], "train files hold"),
        ("t10k_images_idx3_ubyte", TRAIN_X[:2].astype(np.int32), "t10k files hold int32"),
        ("train_labels_idx1_ubyte", np.array([1, 10, 3], np.uint8), "row 1 is 10"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(places, name, array, words):
    put(places[0], **{name: array})
    with pytest.raises(ValueError, match=words):
        load_mnist(verify=False)


def test_download_fetches_only_what_is_missing_from_the_mirrors_in_turn(places, monkeypatch, tmp_path):
    put(places[0], ".gz")
    (places[0] / "train-labels-idx1-ubyte.gz").unlink()
    write_idx(tmp_path / "plain", ARRAYS["train-labels-idx1-ubyte"])
    content = (tmp_path / "plain").read_bytes()
    files = dict(mnist.FILES)
    files["train-labels-idx1-ubyte"] = len(content) + 30, "0" * 64
    monkeypatch.setattr(mnist, "FILES", files)
    asked = []

    def urlopen(url, timeout):
        asked.append(url)
        answer = Answer((tmp_path / "packed").read_bytes())
        answer.url = url
        return answer

    (tmp_path / "packed").write_bytes(gzip.compress(content))
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(OSError, match="not the expected file"):
        load_mnist(download=True, verify=False)
    assert asked == [f"{mirror}train-labels-idx1-ubyte.gz" for mirror in mnist.MIRRORS]
    assert not (places[0] / "train-labels-idx1-ubyte.gz").exists()
    files["train-labels-idx1-ubyte"] = len(content), hashlib.sha256(content).hexdigest()
    assert load_mnist(download=True, verify=False).train.y.tolist() == [9, 0, 5]
    assert (places[0] / "train-labels-idx1-ubyte.gz").read_bytes() == (tmp_path / "packed").read_bytes()


@pytest.mark.parametrize("options", [{"download": "train"}, {"flat": "no"}])
def test_yes_and_no_are_said_as_true_and_false(options):
    """A word for `download` would fetch files."""
    with pytest.raises(TypeError, match="need True or False"):
        load_mnist(**options)
