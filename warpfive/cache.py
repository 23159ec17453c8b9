"""The cache: what was compiled, built and translated, by the hash of all that it depends on.

Safe for any number of processes: an entry is written to a temporary file and renamed. Bounded:
the oldest entries, by last use, go when a folder grows past its limit.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from warpfive.units import MIB

LIMIT_BYTES = 512 * MIB
"""Size past which old entries are removed, down to three quarters of it."""


def root() -> Path:
    """The cache folder of the package: ``WARPFIVE_CACHE``, or one in the user's cache."""
    named = os.environ.get("WARPFIVE_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "warpfive"


def digest(*parts: str | bytes) -> str:
    """A key: hash of parts, kept apart from one another."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()[:40]


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a file so that others see it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock between processes for the length of the block."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def bound(folder: Path, limit_bytes: int, down_to: float = 1.0) -> None:
    """Once the files below ``folder`` are more than ``limit_bytes``, deletes those unused for
    longest until ``down_to`` of it are left.

    Use is the modification time: who takes a file touches it. A file that another
    process has loaded stays mapped there after it is deleted here.
    """
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted by another process meanwhile
            if path.is_file():
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= limit_bytes:
        return
    for _, size, path in sorted(found):
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
        if total <= limit_bytes * down_to:
            return


class Store:
    """Entries of one kind, in a folder of the cache."""

    def __init__(self, kind: str, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = root() / kind
        self.limit_bytes = limit_bytes

    def path(self, key: str) -> Path:
        """Where an entry lies or would lie."""
        return self.folder / key[:2] / key[2:]

    def get(self, key: str) -> bytes | None:
        """An entry, noted as used; None where there is none."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Adds an entry; a full or read-only disk is no error, only a slower next time."""
        try:
            write(self.path(key), data)
        except OSError:
            return
        # one addition in 32 looks at the size, and every one that is large
        if int(key[:2], 16) < 8 or len(data) > self.limit_bytes // 256:
            bound(self.folder, self.limit_bytes, 0.75)


class Memo:
    """Results that depend on files found on the way, such as included headers.

    A manifest under the key of what is known beforehand lists those files and their state; the
    result counts while they are as they were.
    """

    def __init__(self, kind: str) -> None:
        self.manifests = Store(f"{kind}-files", LIMIT_BYTES // 16)
        self.results = Store(kind)

    def get(self, key: str) -> tuple[bytes, list[str]] | None:
        """The result and the files it depends on; None where there is none or one has changed."""
        record = self._record(key)
        data = self.results.get(record["result"]) if record else None
        if record is None or data is None:
            return None
        return data, [state[0] for state in record["files"]]

    def path(self, key: str) -> Path | None:
        """Where the result lies, for those who cannot take it from memory."""
        record = self._record(key)
        path = self.results.path(record["result"]) if record else None
        with contextlib.suppress(OSError):
            if path:
                os.utime(path)
                return path
        return None

    def _record(self, key: str) -> dict | None:
        text = self.manifests.get(key)
        record = json.loads(text) if text else None
        return record if record and all(_same(*state) for state in record["files"]) else None

    def put(self, key: str, files: list[str], data: bytes) -> None:
        """Keeps a result that depends on ``files``."""
        states = [_state(name) for name in sorted(set(files))]
        result = digest(key, json.dumps(states))
        self.results.put(result, data)
        record = {"files": states, "result": result}
        self.manifests.put(key, json.dumps(record).encode())


def _state(name: str) -> tuple[str, int, int, str]:
    """A file's name, size, time of change in ns, and hash of its contents."""
    path = os.path.abspath(name)
    state = os.stat(path)
    with open(path, "rb") as file:
        return path, state.st_size, state.st_mtime_ns, hashlib.sha256(file.read()).hexdigest()


def _same(path: str, size: int, time_ns: int, content: str) -> bool:
    try:
        state = os.stat(path)
        if state.st_size != size:
            return False
        return state.st_mtime_ns == time_ns or _state(path)[3] == content
    except OSError:
        return False
