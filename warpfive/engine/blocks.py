"""Paged KV memory: blocks of a fixed number of tokens, shared by reference count."""

from collections import Counter, abc

from warpfive.engine.prefix import PrefixCache


def blocks_for(tokens: int, block_tokens: int) -> int:
    """Blocks that hold ``tokens`` tokens.

    >>> blocks_for(17, 16)
    2
    """
    return -(-tokens // block_tokens)


class BlockPool:
    """All KV blocks of one engine. A block is free, in use, or kept for its prefix."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.cache = PrefixCache()
        self.peak = 0
        """Most blocks ever held at once."""
        self._free = list(range(capacity - 1, -1, -1))
        self._uses = [0] * capacity

    @property
    def available(self) -> int:
        """Blocks that can be allocated now, cached ones that nobody uses included."""
        return len(self._free) + self.cache.idle

    @property
    def used(self) -> int:
        """Blocks that sequences hold."""
        return self.capacity - self.available

    def allocate(self, count: int) -> list[int]:
        """``count`` blocks with one use each; the caller has checked ``available``."""
        blocks = []
        for _ in range(count):
            block = self._free.pop() if self._free else self.cache.evict()
            self._uses[block] = 1
            blocks.append(block)
        self.peak = max(self.peak, self.used)
        return blocks

    def share(self, blocks: abc.Iterable[int]) -> None:
        """One more use of each block, which the prefix cache has matched."""
        for block in blocks:
            self._uses[block] += 1
            self.cache.wake(block)

    def release(self, blocks: abc.Sequence[int]) -> None:
        """One use less of each. The last block goes first, so that prefixes outlive their tails."""
        for block in reversed(blocks):
            self._uses[block] -= 1
            if self._uses[block] == 0 and not self.cache.park(block):
                self._free.append(block)

    def check_integrity(self, tables: abc.Iterable[abc.Sequence[int]]) -> None:
        """Assert that ``tables``, the blocks of every sequence, explain every block's state."""
        uses = Counter(block for table in tables for block in table)
        assert all(self._uses[block] == uses[block] for block in range(self.capacity))
        free = set(self._free)
        assert len(free) == len(self._free), "a block is free twice"
        assert not free & set(uses), "a free block is in use"
        cached = self.cache.blocks()
        assert not free & cached, "a free block is cached"
        idle = {block for block in cached if self.cache.is_idle(block)}
        assert idle == cached - set(uses), "an unused cached block is not evictable"
        assert len(free) + len(idle) + len(uses) == self.capacity, "a block is lost"
