"""Kernel images from assembly text, without the compiler."""

from __future__ import annotations

from hashlib import sha256

from warpfive.isa import assemble, elf, labels_of

BASE = 0x1000


def image_of(text: str, params: str = "0:8", stack: int = 512,
             shared: int = 0) -> bytes:
    """An image whose one kernel `kernel` begins at the text's start."""
    code = assemble(text, base=BASE)
    labels = labels_of(text, base=BASE)
    symbols = [elf.SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    symbols += [elf.SYMBOL.pack(1, 2, 0, 1, place, 4) for name, place in labels.items()
                if name.startswith("fn")]
    identity = sha256(text.encode()).hexdigest()[:32]
    note = (f"warpfive 1 {identity}\nkernel kernel entry={BASE:x} args=16 params={params} "
            f"shared={shared} stack={stack} maxthreads=1024\n").encode()
    names = b"\0.text\0.rela.dyn\0.symtab\0.strtab\0.warpfive\0.shstrtab\0"
    sections = [(".text", 1, BASE, code), (".rela.dyn", 4, 0, b""),
                (".symtab", 2, 0, b"".join(symbols)), (".strtab", 3, 0, b"\0fn\0"),
                (".warpfive", 1, 0, note), (".shstrtab", 3, 0, names)]
    body, rows = b"", [elf.SECTION.pack(*([0] * 10))]
    for name, kind, address, data in sections:
        flags = elf.SHF_ALLOC if address else 0
        rows.append(elf.SECTION.pack(names.index(name.encode()), kind, flags, address,
                                     64 + len(body), len(data), 0, 0, 8, 0))
        body += data
    head = elf.HEADER.pack(b"\x7fELF\2\1\1", 3, 243, 1, 0, 0, 64 + len(body), 0,
                       64, 56, 0, 64, len(rows), len(rows) - 1)
    return head + body + b"".join(rows)
