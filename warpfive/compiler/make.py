"""Rules for make, as ``-M`` and its like ask for them."""

import os
from pathlib import Path

from warpfive.compiler import toolchain


def rule(target: str, source: str, files: list[str], *, system: bool, phony: bool) -> str:
    """A rule; without ``system``, only of files that are the program's own.

    ``phony`` adds an empty rule for every header, so that one that is deleted stops nobody.
    """
    folders = [str(toolchain.include()), str(toolchain.zig_folder()), "/usr/include"]
    names = [
        os.path.relpath(name) if os.path.isabs(name) and not os.path.isabs(source) else name
        for name in files
        if system or not name.startswith(tuple(folders))
    ]
    names = list(dict.fromkeys([source, *names]))
    text = f"{target}: " + " \\\n  ".join(name.replace(" ", "\\ ") for name in names) + "\n"
    return text + "".join(f"\n{name}:\n" for name in names[1:] if phony)


class Rules:
    """The rules that one command writes beside its objects, for the options in ``asked``."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked
        self.written: set[str] = set()

    def value(self, flag: str) -> str | None:
        """The word after the last ``flag``."""
        places = [i for i, word in enumerate(self.asked) if word == flag]
        return self.asked[places[-1] + 1] if places else None

    def text(self, target: str, source: str, files: list[str], system: str) -> str:
        """A rule; ``system`` is the option that asks for system headers in it."""
        return rule(target, source, files, system=system in self.asked, phony="-MP" in self.asked)

    def add(self, object_name: str, source: str, files: list[str]) -> None:
        """Writes the rule of one object to its file, or adds it if that has others already."""
        if not {"-MD", "-MMD"} & set(self.asked):
            return
        target = self.value("-MT") or object_name
        path = self.value("-MF") or str(Path(target).with_suffix(".d"))
        known = path in self.written
        self.written.add(path)
        with open(path, "a" if known else "w") as file:
            file.write(self.text(target, source, files, "-MD"))
