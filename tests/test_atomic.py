"""atomic: a file is whole or as it was, and nothing lies beside it."""

import os
import stat

import pytest

from minigrad.atomic import atomic_write


def test_new_file_has_the_content_and_the_usual_rights(tmp_path):
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "a") as file:
        file.write(b"new")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == stat.S_IMODE(os.stat(tmp_path / "usual").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["a", "usual"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_file_and_no_litter(tmp_path, error):
    (tmp_path / "a").write_bytes(b"old")

    def broken_off():
        with atomic_write(tmp_path / "a") as file:
            file.write(b"half of the n")
            raise error

    with pytest.raises(error):
        broken_off()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_name_that_cannot_be_taken_leaves_no_litter(tmp_path):
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(OSError), atomic_write(tmp_path / "folder") as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == ["folder"]
