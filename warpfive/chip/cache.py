"""Where built and translated things are kept: folders, atomic writes, a bound on their size."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRANSLATED_BYTES = 2 << 30  # default bound on translated objects; WARPFIVE_CACHE_BYTES overrides


def cache_dir() -> Path:
    """The cache: ``$WARPFIVE_CACHE``, else ``~/.cache/warpfive``."""
    named = os.environ.get("WARPFIVE_CACHE")
    return Path(named).absolute() if named else Path.home() / ".cache" / "warpfive"


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes ``path`` so that any reader, in any process, sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock between processes for the length of the block."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def bound(folder: Path, limit_bytes: int) -> None:
    """Deletes the least recently used files below ``folder`` until the rest fit ``limit_bytes``.

    Use is the modification time: the chip touches a translated object when it loads it. A file
    that another process has loaded stays mapped there after it is deleted here.
    """
    found = []
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:  # deleted by another process meanwhile
            continue
        if path.is_file():
            found.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in found) - limit_bytes
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size
