"""atomic: a file is whole or as it was, and nothing lies beside it."""

import os
import signal
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
    with pytest.raises(OSError, match="is a folder"), atomic_write(tmp_path / "folder") as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.fixture(params=["nameless", "named"])
def kind(request, monkeypatch):
    """Both ways to write: into a file without a name, as on Linux, or into a hidden one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("needs nameless files")
    return request.param


def write(path, content=b"new"):
    with atomic_write(path) as file:
        file.write(content)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("rights", [0o600, 0o640, 0o664, 0o755, 0o777])
def test_an_old_file_keeps_its_rights_and_is_never_more_open(tmp_path, kind, rights):
    (tmp_path / "a").touch()
    os.chmod(tmp_path / "a", rights)
    with atomic_write(tmp_path / "a") as file:
        file.write(b"new")
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~rights == 0
    assert (tmp_path / "a").read_bytes() == b"new" and mode(tmp_path / "a") == rights


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_an_old_file_keeps_its_owner(tmp_path, kind):
    (tmp_path / "a").touch()
    os.chown(tmp_path / "a", 1234, 4321)
    write(tmp_path / "a")
    status = os.stat(tmp_path / "a")
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_a_protected_file_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    os.chmod(tmp_path / "a", 0o444)
    if os.name != "nt" and os.geteuid() == 0:  # root may write everything
        monkeypatch.setattr(os, "access", lambda path, rights: False)
    with pytest.raises(PermissionError, match="protected against writing"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


def test_a_link_stays_and_its_file_is_written(tmp_path, kind):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "a")
    for content in (b"first", b"second"):  # the link leads to nothing, then to a file
        write(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "a").read_bytes() == content
    assert os.listdir(tmp_path / "real") == ["a"] and sorted(os.listdir(tmp_path)) == ["link", "real"]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="loop"):
        write(tmp_path / "loop")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_devices_and_pipes_are_not_replaced(tmp_path):
    """With a pipe only: a test that root runs on broken code must not cost the machine its /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        write(tmp_path / "pipe")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode) and os.listdir(tmp_path) == ["pipe"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder does not exist: .*missing'"):
        write(tmp_path / "missing" / "a")


@pytest.mark.parametrize("name", ["ä" * 120, "🙂" * 60, "a" * 255, "a b'\"$(x)*?", ".hidden", "[a-z].{16}"])
def test_long_and_odd_names(tmp_path, kind, name):
    for content in (b"first", b"second"):
        write(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    assert os.listdir(tmp_path) == [name]


def test_the_name_comes_behind_the_bytes_and_the_folder_behind_the_name(tmp_path, kind, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace

    def note_sync(descriptor):
        status = os.fstat(descriptor)
        calls.append("folder" if stat.S_ISDIR(status.st_mode) else status.st_size)
        fsync(descriptor)

    def note_rename(source, target):
        calls.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    write(tmp_path / "a", b"12345")
    assert calls == [5, "name", "folder"]


def killed_at(step, path):
    """Write in a forked process that is killed when it comes to `step`, a function of os."""
    pid = os.fork()
    if not pid:
        try:
            setattr(os, step, lambda *arguments, **options: os.kill(os.getpid(), signal.SIGKILL))
            write(path)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork, with threads that the child never uses
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_killed_writer_leaves(tmp_path, kind):
    """The old file; beside it nothing, or one hidden file, which the next write to the same name removes."""
    for step in ("fsync", "link", "replace") if kind == "nameless" else ("fsync", "replace"):
        (tmp_path / "a").write_bytes(b"old")
        killed_at(step, tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"old"
        left = sorted(os.listdir(tmp_path))
        assert len(left) == (1 if kind == "nameless" and step != "replace" else 2)
        write(tmp_path / "b")
        assert sorted(os.listdir(tmp_path)) == [*left, "b"]  # another name's hidden files stay
        write(tmp_path / "a")
        assert sorted(os.listdir(tmp_path)) == ["a", "b"]
        os.unlink(tmp_path / "b")


def test_a_file_that_is_being_written_is_not_swept(tmp_path, kind):
    with atomic_write(tmp_path / "a") as slow:
        slow.write(b"slow")
        write(tmp_path / "a", b"quick")
        assert (tmp_path / "a").read_bytes() == b"quick"
    assert (tmp_path / "a").read_bytes() == b"slow"
    assert os.listdir(tmp_path) == ["a"]
