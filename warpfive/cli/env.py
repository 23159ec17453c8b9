"""``warpfive env``: a folder with an ``nvcc`` that is ours."""

import os
import shlex
import sys
from pathlib import Path

NAMES = ("nvcc", "warpfive-cc")


def shell_lines() -> str:
    """Lines for a POSIX shell that put our ``nvcc`` first on PATH."""
    root = toolkit()
    return "\n".join(
        [
            f'export PATH={shlex.quote(str(root / "bin"))}:"$PATH"',
            f"export CUDA_HOME={shlex.quote(str(root))}",
            f"export CUDA_PATH={shlex.quote(str(root))}",
        ]
    )


def toolkit() -> Path:
    """A folder laid out like a CUDA toolkit, with bin, include and lib64; made if it is not there.

    It belongs to one Python and one package: another environment has another folder.
    """
    import hashlib

    import warpfive
    from warpfive import cache
    from warpfive.chip import library

    package = Path(warpfive.__file__).parent
    key = hashlib.sha256(f"{sys.executable}\n{package}".encode()).hexdigest()[:12]
    root = cache.root() / "toolkit" / key
    (root / "bin").mkdir(parents=True, exist_ok=True)
    script = shim(package.parent)
    for name in NAMES:
        write(root / "bin" / name, script)
    link(root / "include", package / "compiler" / "include")
    link(root / "lib64", library().parent)
    return root


def shim(import_root: Path) -> str:
    """A shell script that runs the compiler driver with this Python."""
    python = shlex.quote(sys.executable)
    root = shlex.quote(str(import_root))
    return (
        "#!/bin/sh\n"
        f'PYTHONPATH={root}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {python} -m warpfive cc "$@"\n'
    )


def write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.chmod(0o755)
    os.replace(temporary, path)


def link(path: Path, target: Path) -> None:
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.symlink_to(target)
    os.replace(temporary, path)
