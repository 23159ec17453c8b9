"""``warpfive cc``: one call of the nvcc-compatible compiler, from options to files."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from warpfive import cache
from warpfive.compiler import archive, device, embed, host, hostlink, toolchain
from warpfive.compiler.compile import Compiled, compile_source, device_image, device_options
from warpfive.compiler.help import HELP, VERSION
from warpfive.compiler.ir import Unit
from warpfive.compiler.make import Rules
from warpfive.compiler.options import Options, Source, parse
from warpfive.errors import CompileError, InputError, WarpfiveError

NO_OPENMP = (
    "warpfive cc: warning: -fopenmp: parallel regions run on one thread, as there is no OpenMP "
    "library; pip install 'warpfive[openmp]' brings one"
)
Library = Callable[[], Path]
"""Gives the path of the chip's library; called only when a program is linked."""


def main(argv: list[str], runtime_library: Library | None = None) -> int:
    """Runs one compiler command; returns its exit status, with messages on stderr."""
    try:
        return Driver(parse(argv), runtime_library).run()
    except WarpfiveError as failure:
        print(_message(failure), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _message(failure: WarpfiveError) -> str:
    text = str(failure)
    diagnostics = isinstance(failure, CompileError) and re.search(r": (?:fatal )?error: ", text)
    return text if diagnostics else f"warpfive cc: {text}"


class Driver:
    """One command."""

    def __init__(self, options: Options, runtime_library: Library | None) -> None:
        self.options = options
        self.runtime_library = runtime_library
        self.rules = Rules(options.depend)

    def run(self) -> int:
        """Does what the options ask for."""
        options = self.options
        if options.version:
            print(VERSION)
            return 0
        if options.help:
            print(HELP)
            return 0
        if not options.inputs:
            raise InputError("no input files; name a .cu, .cpp, .c or .o file")
        self._check_inputs()
        if options.verbose or options.dryrun:
            self._plan()
        if options.dryrun:
            return 0
        if options.openmp and options.inputs and not toolchain.openmp():
            _say(NO_OPENMP)
        actions = {
            "link": self._link,
            "compile": self._compile_all,
            "preprocess": self._preprocess,
            "depend": self._depend,
            "lib": self._archive,
            "dlink": self._device_link,
            "image": self._image,
        }
        return actions[options.mode]()

    def _check_inputs(self) -> None:
        for source in self.options.inputs:
            if source.language == "ptx":
                raise InputError(
                    f"{source.path}: PTX is not translated; compile its CUDA C++ source instead"
                )
            if not os.path.exists(source.path):
                raise InputError(f"{source.path}: no such file")
        sources = [s for s in self.options.inputs if s.language]
        one = self.options.mode in ("compile", "preprocess", "image", "depend")
        if one and self.options.output and len(sources) > 1:
            raise InputError(
                f"-o {self.options.output}: {len(sources)} sources give {len(sources)} files; "
                "leave -o out or compile them one by one"
            )

    def _plan(self) -> None:
        """Prints the commands of the tools, as nvcc's ``-v`` and ``--dryrun`` do."""
        options, zig = self.options, str(toolchain.zig())
        for source in options.inputs:
            if not source.language:
                continue
            if source.language == "cuda":
                words = device.clang_arguments(source.path, device_options(options))
                _command([zig, "clang", "-cc1", "-emit-llvm", *words])
            if options.mode != "image":
                words = host.arguments(source.path, source.language, options)
                _command([zig, "clang", "-cc1", "-emit-obj", *words])
        if options.mode == "link":
            objects = {s.path: f"{Path(s.path).stem}.o" for s in options.inputs if s.language}
            order = [objects.get(word, word) for word in options.link_order]
            runtime = self.runtime_library() if self.runtime_library else None
            output = options.output or "a.out"
            _command(
                hostlink.command(
                    order, output, extra=options.link, runtime=runtime, shared=options.shared
                )
            )

    def compile(self, source: Source) -> Compiled:
        """A source as host object; its make rule is written if one is asked for."""
        done = compile_source(source, self.options)
        self.rules.add(self._object_name(source), source.path, done.files)
        return done

    def _object_name(self, source: Source) -> str:
        options = self.options
        if options.output and options.mode == "compile":
            return options.output
        return str(Path(options.output_folder or ".") / (Path(source.path).stem + ".o"))

    # modes

    def _compile_all(self) -> int:
        for source in self.options.inputs:
            if source.language:
                target = self._object_name(source)
                done = self.compile(source)
                _say(done.said)
                _write(target, done.data)
        return 0

    def _preprocess(self) -> int:
        for source in self.options.inputs:
            words = host.arguments(source.path, source.language or "cuda", self.options)
            data, said = host.compile_host(words, source.path, ["-E", "-o", "-"])
            _say(said)
            self._deliver(data)
        return 0

    def _depend(self) -> int:
        rules, text = self.rules, ""
        for source in self.options.inputs:
            words = host.arguments(source.path, source.language or "cuda", self.options)
            with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
                path = Path(scratch) / "host.d"
                action = ["-Eonly", "-dependency-file", str(path), "-sys-header-deps", "-MT", "x"]
                _say(host.compile_host(words, source.path, action)[1])
                files = toolchain.needed(path)
            target = rules.value("-MT") or str(Path(source.path).with_suffix(".o").name)
            text += rules.text(target, source.path, files, "-M")
        file = rules.value("-MF")
        if file:
            _write(file, text.encode())
        else:
            self._deliver(text.encode())
        return 0

    def _image(self) -> int:
        for source in self.options.inputs:
            if source.language:
                done = device_image(source.path, self.options)
                _say(done.said)
                data = done.data
            else:
                data = self._linked([source.path]) or embed.contents(_read(source.path))
            ending = {"-ptx": ".ptx", "-cubin": ".cubin", "-fatbin": ".fatbin"}
            kind = self.options.image_kind
            target = self.options.output or Path(source.path).stem + ending[kind]
            _write(target, data)
            print(
                f"warpfive cc: {kind}: {target} is a RISC-V ELF kernel image, the only device "
                "code there is here",
                file=sys.stderr,
            )
        return 0

    def _archive(self) -> int:
        with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
            archive.write(self.options.output or "a.a", self._objects(Path(scratch)))
        return 0

    def _device_link(self) -> int:
        image = self._linked([source.path for source in self.options.inputs])
        if image is None:
            raise InputError(
                "-dlink: none of the inputs holds relocatable device code; compile them with -dc"
            )
        _write(self.options.output or "a_dlink.o", embed.carrier(image))
        return 0

    def _link(self) -> int:
        with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
            objects = self._objects(Path(scratch))
            names = iter(objects)
            order = [
                word if word.startswith(("-l", "-L")) else next(names)
                for word in self.options.link_order
            ]
            image = self._linked(objects + self._archives())
            if image is not None:
                carrier = Path(scratch) / "warpfive_device.o"
                carrier.write_bytes(embed.carrier(image))
                order.append(str(carrier))
            output = self.options.output or ("a.so" if self.options.shared else "a.out")
            runtime = self.runtime_library() if self.runtime_library else None
            hostlink.link_host(
                order, output, extra=self.options.link, runtime=runtime, shared=self.options.shared
            )
        if self.options.run:
            return subprocess.call([str(Path(output).absolute())])
        return 0

    def _archives(self) -> list[str]:
        """Static libraries named by ``-l`` that may hold relocatable device code."""
        folders = [word[2:] for word in self.options.link_order if word.startswith("-L")]
        found = []
        for word in self.options.link_order:
            for folder in folders if word.startswith("-l") else []:
                path = Path(folder) / f"lib{word[2:]}.a"
                if path.exists():
                    found.append(str(path))
                    break
        return found

    def _objects(self, scratch: Path) -> list[str]:
        """Inputs as linkable files: sources are compiled, the rest stay."""
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            jobs = [
                pool.submit(self.compile, source) if source.language else None
                for source in self.options.inputs
            ]
            found = []
            for number, (job, source) in enumerate(zip(jobs, self.options.inputs, strict=True)):
                if job is None:
                    found.append(source.path)
                    continue
                done = job.result()
                _say(done.said)
                folder = scratch / str(number)
                folder.mkdir()
                path = folder / (Path(source.path).stem + ".o")
                path.write_bytes(done.data)
                found.append(str(path))
        return found

    # device link

    def _linked(self, paths: list[str]) -> bytes | None:
        """The image of all relocatable units in objects and archives; None without any."""
        units: dict[str, Unit] = {}
        for path in paths:
            data = _read(path)
            members = archive.members(data, path) if archive.is_archive(data) else [data]
            for member in members:
                units.update(embed.units(member))
        if not units:
            return None
        level = 0 if self.options.device_debug else 3
        lines = [embed.unit_line(name, unit) for name, unit in units.items()]
        return device.build_image(list(units.values()), level, tuple(lines))

    def _deliver(self, data: bytes) -> None:
        if self.options.output:
            _write(self.options.output, data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _command(words: list[str]) -> None:
    print("#$ " + shlex.join(words), file=sys.stderr)


def _say(text: str) -> None:
    if text.strip():
        print(text.rstrip(), file=sys.stderr)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure.strerror}") from None


def _write(path: str, data: bytes) -> None:
    try:
        cache.write(Path(path), data)
    except OSError as failure:
        raise InputError(f"{path}: cannot be written: {failure.strerror}") from None
