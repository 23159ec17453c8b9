"""The command line of ``warpfive cc``: nvcc's options, read into one record.

Every option nvcc documents is in the tables below, by its long name; the short name maps to it.
Values may follow after a space or ``=``, and lists may be separated by commas.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from warpfive.errors import InputError

SHORT = {
    "-o": "output-file", "-c": "compile", "-I": "include-path", "-D": "define-macro",
    "-U": "undefine-macro", "-L": "library-path", "-l": "library", "-O": "optimize",
    "-g": "debug", "-G": "device-debug", "-lineinfo": "generate-line-info", "-x": "x",
    "-arch": "gpu-architecture", "-code": "gpu-code", "-gencode": "generate-code",
    "-rdc": "relocatable-device-code", "-dc": "device-c", "-dw": "device-w",
    "-dlink": "device-link", "-Xcompiler": "compiler-options", "-Xptxas": "ptxas-options",
    "-Xlinker": "linker-options", "-Xarchive": "archive-options", "-Xnvlink": "nvlink-options",
    "-ccbin": "compiler-bindir", "-E": "preprocess", "-M": "generate-dependencies",
    "-MM": "generate-nonsystem-dependencies", "-MD": "generate-dependencies-with-compile",
    "-MMD": "generate-nonsystem-dependencies-with-compile", "-MF": "dependency-output",
    "-MP": "generate-dependency-targets", "-MT": "dependency-target-name",
    "-lib": "lib", "-ptx": "ptx", "-cubin": "cubin", "-fatbin": "fatbin", "-V": "version",
    "-h": "help", "-v": "verbose", "-dryrun": "dryrun", "-w": "disable-warnings",
    "-m": "machine", "-m64": "m64",
    "-m32": "m32", "-t": "threads", "-run": "run", "-k": "keep",
    "-isystem": "system-include", "-include": "pre-include", "-odir": "output-directory",
    "-pg": "profile", "-default-stream": "default-stream", "-use_fast_math": "use_fast_math",
    "-std": "std", "-shared": "shared", "-link": "link", "-cudart": "cudart",
    "-optf": "options-file", "-Werror": "Werror", "-res-usage": "resource-usage",
    "-extended-lambda": "extended-lambda", "-expt-extended-lambda": "extended-lambda",
    "-expt-relaxed-constexpr": "expt-relaxed-constexpr", "-dopt": "dopt", "-cuda": "cuda",
    "-fmad": "fmad", "-ftz": "ftz", "-forward-unknown-to-host-compiler": "forward-unknown",
    "-noeh": "no-exceptions", "-restrict": "restrict", "-keep-dir": "keep-dir",
    "-diag-suppress": "diag-suppress", "-diag-error": "diag-error", "-diag-warn": "diag-warn",
    "-cubin-out": "cubin",
}  # fmt: skip
"""nvcc's short names, and ours for spellings that real Makefiles use."""

FLAGS = {
    "compile", "debug", "device-debug", "generate-line-info", "device-c", "device-w",
    "device-link", "preprocess", "generate-dependencies", "generate-nonsystem-dependencies",
    "generate-dependencies-with-compile", "generate-nonsystem-dependencies-with-compile",
    "generate-dependency-targets", "lib", "ptx", "cubin", "fatbin", "version", "help", "verbose",
    "dryrun", "disable-warnings", "m64", "m32", "run", "use_fast_math", "shared", "link",
    "cuda", "profile", "no-exceptions",
}  # fmt: skip
VALUES = {
    "output-file", "include-path", "define-macro", "undefine-macro", "library-path", "library",
    "optimize", "x", "gpu-architecture", "gpu-code", "generate-code", "relocatable-device-code",
    "compiler-options", "linker-options", "dependency-output", "dependency-target-name",
    "machine", "system-include", "pre-include", "output-directory", "default-stream", "std",
    "options-file", "fmad", "Werror", "cudart",
}  # fmt: skip
IGNORED_FLAGS = {
    "keep", "save-temps", "clean", "time", "resource-usage", "extended-lambda",
    "expt-relaxed-constexpr", "restrict", "extra-device-vectorization", "source-in-ptx",
    "Wreorder", "Wdefault-stream-launch", "Wmissing-launch-bounds", "Wext-lambda-captures-this",
    "Wno-deprecated-gpu-targets", "Wno-deprecated-declarations", "dlto", "lto", "gen-opt-lto",
    "forward-unknown", "forward-unknown-to-host-linker", "allow-unsupported-compiler",
    "allow-expensive-optimizations", "no-device-link", "nodlink", "no-host-device-initializer-list",
    "no-host-device-move-forward", "use-local-env", "brief-diagnostics", "display-error-number",
    "no-display-error-number", "objtemp", "std-c++", "ewp", "extensible-whole-program",
    "no-compress", "relocatable-ptx", "static-global-template-stub", "list-gpu-arch",
    "no-align-double", "Wno-missing-launch-bounds", "device-stack-protector", "Ofast-compile",
}  # fmt: skip
IGNORED_VALUES = {
    "ptxas-options", "archive-options", "nvlink-options", "compiler-bindir", "maxrregcount",
    "threads", "ftz", "prec-div", "prec-sqrt", "keep-dir", "dopt", "diag-suppress", "diag-error",
    "diag-warn", "cudadevrt", "split-compile", "target-directory", "archiver-binary",
    "drive-prefix", "input-drive-prefix", "dependency-drive-prefix", "gpu-max-registers",
    "jump-table-density", "libdevice-directory", "entries", "relocatable", "brief-diag",
    "nvvm-options", "fdevice-time-trace", "host-linker-script", "compress-mode",
    "Xfatbin", "fatbin-options", "arch-list", "ftemplate-depth-device",
}  # fmt: skip
LANGUAGES = {"cu": "cuda", "c": "c", "c++": "c++", "cuda": "cuda", "ptx": "ptx"}
SUFFIXES = {
    ".cu": "cuda", ".c": "c", ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".C": "c++",
    ".c++": "c++", ".CPP": "c++", ".ptx": "ptx", ".i": "c", ".ii": "c++", ".cup": "cuda",
}  # fmt: skip
"""File name endings of sources; all other inputs go to the linker."""

HOST_FLAG = re.compile(
    r"-(?:W(?!error$)[-\w=+,#]*|f[-\w=+,.]+|m[-\w=+,.]+|pthread|pipe|rdynamic|s|static-libgcc|"
    r"static-libstdc\+\+|pedantic(?:-errors)?|ansi|P|pie|no-pie|nostdinc|Ofast|Og|Os|Oz|"
    r"ggdb\d?|g[0-3]|gdwarf(?:-\d)?|undef|idirafter.*|iquote.*|C|H)$"
)
"""Options of the host compiler that are taken without ``-Xcompiler``."""

PREPROCESSOR = re.compile(r"-(?:[DIU].+|include|isystem|iquote|idirafter|imacros|std=.+)$")


@dataclass(frozen=True, slots=True)
class Source:
    """An input file; ``language`` is None for what goes to the linker as it is."""

    path: str
    language: str | None


@dataclass(slots=True)
class Options:
    """One call of the compiler."""

    inputs: list[Source] = field(default_factory=list)
    link_order: list[str] = field(default_factory=list)  # inputs, -l and -L in their order
    mode: str = "link"  # compile, preprocess, depend, lib, dlink, image (cubin and the like)
    image_kind: str = ""  # the option that asked for an image
    output: str | None = None
    output_folder: str | None = None
    preprocess: list[str] = field(default_factory=list)  # -I -D -U -isystem -include
    host: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    depend: list[str] = field(default_factory=list)
    standard: str | None = None
    level: str | None = None
    arches: list[int] = field(default_factory=list)
    relocatable: bool = False
    debug: bool = False
    device_debug: bool = False
    fast_math: bool = False
    fmad: bool = True
    shared: bool = False
    quiet: bool = False
    verbose: bool = False
    dryrun: bool = False
    run: bool = False
    per_thread: bool = False
    openmp: bool = False
    version: bool = False
    help: bool = False

    @property
    def arch(self) -> int:
        """``__CUDA_ARCH__``: the highest that is asked for, 800 where none is."""
        return max(self.arches, default=800)


_Action = Callable[[Options, str], None]


def parse(arguments: list[str]) -> Options:
    """Reads a command line; refuses what it does not know in one sentence."""
    options = Options()
    words = list(arguments)
    language: str | None = None
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word == "-":
            _input(options, word, language)
            continue
        name, value = _split(word, words)
        if name == "x":
            language = _language(value)
        elif name == "options-file":
            for path in value.split(","):
                words[:0] = shlex.split(_text(path))
        else:
            _apply(options, name, value, word)
    return options


def _input(options: Options, word: str, language: str | None) -> None:
    if word.startswith("@"):
        for item in shlex.split(_text(word[1:])):
            _input(options, item, language)
        return
    kind = language or SUFFIXES.get(Path(word).suffix)
    if kind is None and language is None and not _linkable(word):
        raise InputError(
            f"{word}: the ending {Path(word).suffix or '(none)'} is not known; say what it is "
            "with -x cu, -x c++ or -x c"
        )
    options.inputs.append(Source(word, kind))
    options.link_order.append(word)


def _linkable(word: str) -> bool:
    name = Path(word).name
    return bool(re.search(r"\.(?:o|obj|a|so|lo|ld|cubin|fatbin)(?:\.[\d.]+)?$", name)) or (
        "." not in name
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as failure:
        raise InputError(f"{path}: the options file cannot be read: {failure.strerror}") from None


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise InputError(f"-x {value}: the language is not known; it is one of cu, c++, c")
    return LANGUAGES[value]


def _split(word: str, rest: list[str]) -> tuple[str, str]:
    """The long name of an option and its value; takes the value from ``rest`` where it follows."""
    joined = re.match(r"-([IDULlO])(.+)", word)
    if joined and not word.startswith("--") and f"-{word[1:]}" not in SHORT:
        known = _name(word.split("=")[0])
        if known is None:
            return SHORT[f"-{joined[1]}"], joined[2]
    head, mark, value = word.partition("=")
    name = _name(head)
    if name is None:
        return "", ""
    if name in FLAGS or name in IGNORED_FLAGS:
        return name, value
    if mark:
        return name, value
    if name == "optimize" or (name == "Werror" and not (rest and _error_kind(rest[0]))):
        return name, "3" if name == "optimize" else ""
    if not rest:
        raise InputError(f"{word}: a value is missing; write it after the option")
    return name, rest.pop(0)


def _error_kind(word: str) -> bool:
    kinds = {"all-warnings", "cross-execution-space-call", "reorder", "default-stream-launch"}
    return set(word.split(",")) <= kinds | {"missing-launch-bounds", "deprecated-declarations"}


def _name(head: str) -> str | None:
    if head in SHORT:
        return SHORT[head]
    bare = head.lstrip("-")
    if bare in FLAGS | VALUES | IGNORED_FLAGS | IGNORED_VALUES and len(bare) > 1:
        return bare
    return SHORT.get("-" + bare) if head.startswith("--") else None


def _apply(options: Options, name: str, value: str, word: str) -> None:
    action = _ACTIONS.get(name)
    if action:
        action(options, value)
    elif name in IGNORED_FLAGS or name in IGNORED_VALUES:
        return
    elif not name and HOST_FLAG.match(word):
        _host_word(options, word)
    else:
        raise InputError(
            f"option {word} is not known; `warpfive cc --help` lists the options, and -Xcompiler "
            "passes one on to the host compiler"
        )


def _host(options: Options, value: str) -> None:
    words = [
        part
        for piece in shlex.split(value)
        for part in ([piece] if piece.startswith("-Wl,") else piece.split(","))
        if part
    ]
    takes_next = False
    for word in words:
        if takes_next:
            options.preprocess.append(word)
            takes_next = False
        elif PREPROCESSOR.match(word) and not word.startswith("-std"):
            options.preprocess.append(word)
            takes_next = word in ("-include", "-isystem", "-iquote", "-idirafter", "-imacros")
        else:
            _host_word(options, word)


def _host_word(options: Options, word: str) -> None:
    if word in ("-fopenmp", "-qopenmp", "-openmp", "-mp"):
        options.openmp = True
        options.link_order.append("-lomp")
    elif word in ("-rdynamic", "-s", "-pie", "-no-pie") or word.startswith("-Wl,"):
        options.link += word[4:].split(",") if word.startswith("-Wl,") else _link_word(word)
    elif word == "-w":
        options.quiet = True
    elif word not in ("-pipe", "-static-libgcc", "-static-libstdc++"):
        options.host.append(word)


def _link_word(word: str) -> list[str]:
    return {"-rdynamic": ["--export-dynamic"], "-s": ["--strip-all"]}.get(word, [])


def _arch(options: Options, value: str) -> None:
    found = re.search(r"(?:sm|compute|lto)_(\d+)", value)
    if found:
        options.arches.append(int(found[1]) * 10)
    elif value not in ("native", "all", "all-major"):
        raise InputError(
            f"-arch={value}: not an architecture; write sm_80, compute_80, native or all"
        )


def _mode(mode: str, kind: str = "") -> _Action:
    def action(options: Options, _: str) -> None:
        options.mode = mode
        options.image_kind = kind

    return action


def _rdc(options: Options, value: str) -> None:
    if value not in ("true", "false"):
        raise InputError(f"-rdc={value}: the value is true or false")
    options.relocatable = value == "true"


def _device_c(options: Options, _: str) -> None:
    options.mode = "compile"
    options.relocatable = True


def _set(name: str, value: object) -> _Action:
    return lambda options, _: setattr(options, name, value)


def _listed(flag: str) -> _Action:
    def action(options: Options, value: str) -> None:
        for item in value.split(",") if flag != "-D" else [value]:
            options.preprocess += [flag + item] if len(flag) == 2 else [flag, item]

    return action


def _linked(flag: str) -> _Action:
    def action(options: Options, value: str) -> None:
        options.link_order += [flag + item for item in value.split(",")]

    return action


def _linker(options: Options, value: str) -> None:
    options.link += [part for part in value.split(",") if part]


def _optimize(options: Options, value: str) -> None:
    if value not in ("0", "1", "2", "3", "s", "fast", "4"):
        raise InputError(f"-O{value}: the optimisation level is 0, 1, 2 or 3")
    options.level = {"fast": "3", "4": "3"}.get(value, value)


def _stream(options: Options, value: str) -> None:
    if value not in ("legacy", "per-thread", "null"):
        raise InputError(f"--default-stream={value}: the value is legacy or per-thread")
    options.per_thread = value == "per-thread"


def _machine(_: Options, value: str) -> None:
    if value != "64":
        raise InputError(f"-m{value}: only 64-bit code is made; leave the option out or say -m64")


def _fast(options: Options, _: str) -> None:
    options.fast_math = True


def _depend(flag: str, mode: str | None = None) -> _Action:
    def action(options: Options, value: str) -> None:
        options.depend += [flag, value] if flag in ("-MF", "-MT") else [flag]
        if mode:
            options.mode = mode

    return action


def _debug(options: Options, value: str) -> None:
    options.device_debug = options.debug = True


_ACTIONS: dict[str, _Action] = {
    "output-file": lambda o, v: setattr(o, "output", v),
    "output-directory": lambda o, v: setattr(o, "output_folder", v),
    "compile": _mode("compile"),
    "device-c": _device_c,
    "device-w": _mode("compile"),
    "device-link": _mode("dlink"),
    "preprocess": _mode("preprocess"),
    "lib": _mode("lib"),
    "link": _mode("link"),
    "ptx": _mode("image", "-ptx"),
    "cubin": _mode("image", "-cubin"),
    "fatbin": _mode("image", "-fatbin"),
    "cuda": _mode("preprocess"),
    "include-path": _listed("-I"),
    "system-include": _listed("-isystem"),
    "pre-include": _listed("-include"),
    "define-macro": _listed("-D"),
    "undefine-macro": _listed("-U"),
    "library-path": _linked("-L"),
    "library": _linked("-l"),
    "optimize": _optimize,
    "debug": _set("debug", True),
    "device-debug": _debug,
    "generate-line-info": lambda o, v: None,
    "gpu-architecture": _arch,
    "gpu-code": lambda o, v: None,
    "generate-code": _arch,
    "relocatable-device-code": _rdc,
    "compiler-options": _host,
    "linker-options": _linker,
    "generate-dependencies": _depend("-M", "depend"),
    "generate-nonsystem-dependencies": _depend("-MM", "depend"),
    "generate-dependencies-with-compile": _depend("-MD"),
    "generate-nonsystem-dependencies-with-compile": _depend("-MMD"),
    "generate-dependency-targets": _depend("-MP"),
    "dependency-output": _depend("-MF"),
    "dependency-target-name": _depend("-MT"),
    "version": _set("version", True),
    "help": _set("help", True),
    "verbose": _set("verbose", True),
    "dryrun": _set("dryrun", True),
    "run": _set("run", True),
    "disable-warnings": _set("quiet", True),
    "machine": _machine,
    "m64": lambda o, v: None,
    "m32": lambda o, v: _machine(o, "32"),
    "default-stream": _stream,
    "std": lambda o, v: setattr(o, "standard", v),
    "fmad": lambda o, v: setattr(o, "fmad", v != "false"),
    "use_fast_math": _fast,
    "shared": _set("shared", True),
    "Werror": lambda o, v: None,
    "profile": lambda o, v: None,
    "no-exceptions": lambda o, v: o.host.append("-fno-exceptions"),
    "cudart": lambda o, v: None,
}
