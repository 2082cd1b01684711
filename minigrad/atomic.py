"""A file is written whole or not at all: the bytes go into a nameless or hidden file, which then gets its name."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME_BYTES = 150  # how much of the target's name is in the name of its hidden file, which may have 255 bytes in all
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)  # folders that cannot be synced: some network disks


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write; it becomes `path` when the block ends without an error, else nothing has changed.

    Readers see the old file or the new one. The bytes are synced to the disk before the file gets its name, and the
    folder after that (fsync of both). If the process is killed, the old file stays and, on Linux, nothing else; where
    the system has no nameless files, a hidden file is left, which the next write to the same path removes.

    An existing file keeps its permissions, and its owner where the system allows it. A symbolic link stays: the file
    that it leads to is written. Other hard links keep the old content. Raises OSError, before anything is written, if
    `path` is a folder, a device or a pipe (which a rename would destroy), if the file is protected against writing, or
    if its folder does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "a")) as file:
    ...         _ = file.write(b"all of it")
    ...     os.listdir(folder), Path(folder, "a").read_bytes()
    (['a'], b'all of it')
    """
    target = Path(os.path.realpath(path))
    old = _status(target)
    _sweep(target)
    part = target.with_name(f".{_label(target)}.{os.urandom(8).hex()}.part")  # same folder: same file system
    try:
        descriptor, named = _open(part, 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o777)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if old is not None:
                _restore(file.fileno(), old)
            os.fsync(file.fileno())
            if not named:
                _give_name(file.fileno(), part)
            if fcntl is None:
                file.close()  # Windows renames no open file; elsewhere the lock is kept until the name is taken
            os.replace(part, target)
        _sync(target.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename = os.fspath(path)
            if (
                error.filename2 is not None
            ):  # of a rename; deleted, because str() prints a filename2 that was set to None
                del error.filename2
        raise


def _status(target: Path) -> os.stat_result | None:
    """The status of the file at the target, or None if there is none; OSError if a file must not be written there."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder does not exist", str(target.parent)) from None
        return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder; need the name of a file", str(target))
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "is a device or a pipe; need the name of a file", str(target))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is protected against writing", str(target))
    return old


def _label(target: Path) -> str:
    """The first NAME_BYTES bytes of the target's name."""
    return target.name.encode("utf-8", "ignore")[:NAME_BYTES].decode("utf-8", "ignore")


def _open(part: Path, mode: int) -> tuple[int, bool]:
    """A new file to write, locked, and whether it has the name `part`: on Linux it has none, so a kill removes it."""
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):
            descriptor = os.open(part.parent, os.O_TMPFILE | os.O_RDWR, mode)
            if os.path.exists(f"/proc/self/fd/{descriptor}"):  # _give_name needs this path
                _lock(descriptor)
                return descriptor, False
            os.close(descriptor)
    while True:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
        descriptor = os.open(part, flags, mode)
        _lock(descriptor)
        if fcntl is None or os.fstat(descriptor).st_nlink:
            return descriptor, True
        os.close(descriptor)  # another process's _sweep removed the file before it was locked


def _give_name(descriptor: int, part: Path) -> None:
    """Link a nameless file as `part`."""
    folder = os.open(part.parent, os.O_RDONLY)
    try:  # with a folder's descriptor, because only then does os.link follow the link in /proc
        os.link(f"/proc/self/fd/{descriptor}", part, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _lock(descriptor: int, wait: bool = True) -> bool:
    """Lock an open file for as long as it is open; False if another process has it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _sweep(target: Path) -> None:
    """Remove hidden files of this target that no process has locked: the processes that wrote them have ended."""
    if fcntl is None:
        return
    pattern = re.compile(rf"\.{re.escape(_label(target))}\.[0-9a-f]{{16}}\.part")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for name in [entry.name for entry in entries if pattern.fullmatch(entry.name)]:
            with suppress(OSError):
                descriptor = os.open(target.parent / name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    if _lock(descriptor, wait=False):
                        os.unlink(target.parent / name)
                finally:
                    os.close(descriptor)


def _restore(descriptor: int, old: os.stat_result) -> None:
    """Give an open file the owner and the permissions of the file that it replaces."""
    if hasattr(os, "fchown") and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(OSError):  # only root may give files away
            os.fchown(descriptor, old.st_uid, old.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync(folder: Path) -> None:
    """Write a folder's entries to the disk, where the system can."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
