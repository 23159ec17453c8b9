"""Shared memory: where each kernel's variables lie in its block's part.

Every kernel has a layout of its own, but for kernels that share code which uses shared memory.
Dynamic shared memory begins where the static part ends.
"""

from dataclasses import dataclass, field

from warpfive.compiler.pieces import Input, Piece


@dataclass(slots=True)
class Shared:
    """A static shared variable: alignment and size, the kernels that reach it, its offset."""

    size: int
    align: int
    kernels: set[str] = field(default_factory=set)
    offset: int = -1


class SharedMemory:
    """The layouts of all kernels; ``reach`` has the sections that each kernel reaches."""

    def __init__(self, reach: dict[str, dict[int, Piece]]) -> None:
        self.reach = reach
        self.layout: dict[int, dict[tuple[int, int], Shared]] = {}
        self.static_bytes: dict[str, int] = {}
        self.dynamic_at: dict[int, int] = {}
        for group in self._groups():
            self._place(group)

    def offset(self, piece: Piece, owner: Input, index: int) -> int:
        """Offset of a variable, symbol ``index`` of ``owner``, as code of ``piece`` sees it."""
        found = self.layout.get(id(piece), {}).get((id(owner), index))
        return found.offset if found else 0

    def dynamic_offset(self, piece: Piece) -> int:
        """Offset of dynamic shared memory, as code of ``piece`` sees it."""
        return self.dynamic_at.get(id(piece), 0)

    def _place(self, group: list[str]) -> None:
        variables = self._variables(group)
        done: list[Shared] = []
        for variable in sorted(variables.values(), key=lambda v: (-v.align, -v.size)):
            variable.offset = self._free(variable, done)
            done.append(variable)
        for name in group:
            ends = [v.offset + v.size for v in done if name in v.kernels]
            self.static_bytes[name] = (max(ends, default=0) + 15) & -16
        self._place_dynamic(group)
        for name in group:
            for key in self.reach[name]:
                self.layout[key] = variables

    def _groups(self) -> list[list[str]]:
        """Kernels that share code which uses shared memory."""
        leader = {name: name for name in self.reach}

        def root(name: str) -> str:
            while leader[name] != name:
                name = leader[name]
            return name

        users: dict[int, str] = {}
        for name, pieces in self.reach.items():
            for key, piece in pieces.items():
                if piece.dynamic or piece.shared:
                    leader[root(users.setdefault(key, name))] = root(name)
        groups: dict[str, list[str]] = {}
        for name in self.reach:
            groups.setdefault(root(name), []).append(name)
        return list(groups.values())

    def _variables(self, group: list[str]) -> dict[tuple[int, int], Shared]:
        found: dict[tuple[int, int], Shared] = {}
        for name in group:
            for piece in self.reach[name].values():
                for owner, index in piece.shared:
                    symbol = owner.object.symbols[index]
                    limit = owner.object.sections[symbol.section].align
                    align = min(limit, symbol.value & -symbol.value) if symbol.value else limit
                    variable = found.setdefault((id(owner), index), Shared(symbol.size, align))
                    variable.kernels.add(name)
        return found

    @staticmethod
    def _free(variable: Shared, done: list[Shared]) -> int:
        at = 0
        rivals = sorted((w for w in done if w.kernels & variable.kernels), key=lambda w: w.offset)
        for other in rivals:
            if at + variable.size <= other.offset:
                break
            end = other.offset + other.size
            at = max(at, (end + variable.align - 1) & -variable.align)
        return at

    def _place_dynamic(self, group: list[str]) -> None:
        users = [n for n in group if any(piece.dynamic for piece in self.reach[n].values())]
        start = max((self.static_bytes[name] for name in users), default=0)
        for name in users:
            self.static_bytes[name] = start
            self.dynamic_at |= dict.fromkeys(self.reach[name], start)
