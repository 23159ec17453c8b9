"""Prefix cache: full KV blocks found again by a hash of everything up to their end."""

import hashlib
from collections import abc


def block_hashes(
    tokens: abc.Sequence[int], block_tokens: int, parent: int = 0, salt: str = ""
) -> list[int]:
    """Chained 64-bit hash of each full block; equal hashes mean equal prefixes.

    ``parent`` is the hash of the block before; ``salt`` keeps tenants apart.

    >>> a, b = block_hashes(range(8), 4)
    >>> block_hashes(range(4, 8), 4, parent=a) == [b]
    True
    """
    found = []
    for start in range(0, len(tokens) - block_tokens + 1, block_tokens):
        digest = hashlib.blake2b(f"{salt}|{parent}".encode(), digest_size=8)
        digest.update(repr(list(tokens[start : start + block_tokens])).encode())
        parent = int.from_bytes(digest.digest(), "little") >> 1
        found.append(parent)
    return found


class PrefixCache:
    """Which block holds which prefix, and which of them nobody uses now, oldest first."""

    def __init__(self) -> None:
        self._block_of: dict[int, int] = {}
        self._hash_of: dict[int, int] = {}
        self._idle: dict[int, None] = {}

    @property
    def idle(self) -> int:
        """Blocks kept only for their contents."""
        return len(self._idle)

    def match(self, hashes: abc.Iterable[int]) -> list[int]:
        """Blocks of the longest cached prefix; changes nothing."""
        blocks = []
        for value in hashes:
            block = self._block_of.get(value)
            if block is None:
                break
            blocks.append(block)
        return blocks

    def is_idle(self, block: int) -> bool:
        """Whether the block is cached and unused."""
        return block in self._idle

    def register(self, block: int, value: int) -> bool:
        """Remember a computed block; False where the prefix has a block already."""
        if value in self._block_of:
            return False
        self._block_of[value] = block
        self._hash_of[block] = value
        return True

    def park(self, block: int) -> bool:
        """Keep a block that nobody uses any more; False where it holds no known prefix."""
        if block not in self._hash_of:
            return False
        self._idle[block] = None
        return True

    def wake(self, block: int) -> None:
        """Take a block back into use."""
        self._idle.pop(block, None)

    def evict(self) -> int:
        """Forget the block unused for longest and return it."""
        block = next(iter(self._idle))
        del self._idle[block]
        del self._block_of[self._hash_of.pop(block)]
        return block

    def blocks(self) -> set[int]:
        """Every block with a known prefix."""
        return set(self._hash_of)
