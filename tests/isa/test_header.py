"""The intrinsics header compiles for the chip, and each function is its instruction."""

import re
import subprocess
import sys

import pytest

from warpfive.isa import ROWS, SPECIAL_REGISTERS, decode
from warpfive.isa.header import header, intrinsic_name

from .llvm import FEATURES, section

DEVICE = ["-fcuda-is-device", "-triple", "riscv64-unknown-linux-gnu", "-aux-triple"]
DEVICE += ["x86_64-unknown-linux-gnu", "-target-cpu", "generic-rv64", "-target-abi", "lp64d"]
DEVICE += [word for name in FEATURES for word in ("-target-feature", f"+{name}")]
HOSTS = {
    host: ["-triple", f"{host}-unknown-linux-gnu", "-aux-triple", "riscv64-unknown-linux-gnu",
           "-target-sdk-version=12.6"]
    for host in ("x86_64", "aarch64")
}  # fmt: skip

DECLARED = re.compile(r"__WF_INTRINSIC ([^(]*?[ *])(__wf_\w+)\(((?:[^{])*)\) \{")


def callers() -> tuple[str, list[str]]:
    """A device function around every intrinsic, and the intrinsics' names in that order."""
    lines, names = [header()], []
    for kind, name, parameters in DECLARED.findall(header()):
        arguments = ", ".join(re.findall(r"(\w+)\)?(?:\[\d\])?(?:,|$)", parameters))
        value = "" if kind.strip() == "void" else "return "
        lines.append(f"__attribute__((device)) {kind}call{name}({parameters}) "
                     f"{{ {value}{name}({arguments}); }}")  # fmt: skip
        names.append(name)
    return "\n".join(lines), names


def compiled(folder, target: list[str]) -> bytes:
    source, result = folder / "all.cu", folder / "all.o"
    source.write_text(callers()[0])
    command = [sys.executable, "-m", "ziglang", "clang", "-cc1", "-x", "cuda", "-std=c++20"]
    command += [*target, "-O3", "-emit-obj", "-o", str(result), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return result.read_bytes()


def test_each_function_is_its_instruction(tmp_path):
    code = section(compiled(tmp_path, DEVICE), b".text")
    found = [decode(int.from_bytes(code[at : at + 4], "little")) for at in range(0, len(code), 4)]
    found = [each for each in found if each and each.row.extension == "Xwarp"]
    names = [
        SPECIAL_REGISTERS[each.imm].name if each.name == "wf.sr" else each.name for each in found
    ]
    assert [intrinsic_name(name) for name in names] == callers()[1]
    rows = [row for row in ROWS if row.extension == "Xwarp"]
    assert {each.name for each in found} == {row.name for row in rows}
    tiles = [each for each in found if each.row.unit == "matrix"]
    assert {(each.rd, each.rs1, each.rs2) for each in tiles} == {(0, 10, 18)}


@pytest.mark.parametrize("host", HOSTS)
def test_host_compilations_accept_it(host, tmp_path):
    assert compiled(tmp_path, HOSTS[host])
