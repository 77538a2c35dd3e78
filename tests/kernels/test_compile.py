"""The CUDA sources compile for every architecture, fit, and stay cheap: no GPU is needed."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from host_shim import kernel_names

from calcarium_kernels.device.runtime import CUDA_SOURCES, KERNELS

ARCHITECTURES = (75, 80, 90, 100, 120)
# 65,536 registers of a multiprocessor over the four blocks of 256 that launch bounds ask for.
REGISTERS = 64
SCAN_REGISTERS = 64  # one block of 1024
# A warp takes eight words of 32 voxels through one round of its loop.
WORDS_PER_ROUND = 8
INSTRUCTION_BYTES = 16
INSTRUCTIONS_PER_WORD = 30


def all_kernels() -> list[str]:
    return kernel_names("".join(path.read_text() for path in sorted(CUDA_SOURCES.iterdir())))


@pytest.fixture(scope="module", params=ARCHITECTURES)
def compiled(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    """Cubin and the assembler's report, from the compiler that CuPy uses."""
    core = pytest.importorskip(
        "cuda.core",
        exc_type=ImportError,
        reason="pip install cuda-core cuda-bindings nvidia-cuda-nvrtc",
    )
    options = core.ProgramOptions(
        arch=f"sm_{request.param}",
        std="c++17",
        include_path=str(CUDA_SOURCES),
        ptxas_options="-v",
    )
    log = Path(request.getfixturevalue("tmp_path_factory").mktemp("nvrtc")) / "log"
    program = core.Program(KERNELS.read_text(), "c++", options)
    with log.open("w") as stream:
        cubin = program.compile("cubin", logs=stream).code
    return cubin, log.read_text()


def test_nothing_spills_and_registers_fit(compiled: tuple[bytes, str]) -> None:
    report = compiled[1]
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report)
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", report)]
    assert len(spills) == len(registers) == len(all_kernels())
    assert set(spills) == {("0", "0")}
    assert max(registers) <= REGISTERS


def test_instructions_of_the_kernel_that_reads_every_voxel(compiled: tuple[bytes, str]) -> None:
    sizes = text_sizes(compiled[0])
    assert set(sizes) == set(all_kernels())
    for kernel in ("pack", "pack_labelled"):
        instructions = sizes[kernel] / INSTRUCTION_BYTES
        assert instructions / WORDS_PER_ROUND <= INSTRUCTIONS_PER_WORD


def test_no_division_where_every_voxel_is_read() -> None:
    for name in ("pack.cuh", "blocks.cuh"):
        code = re.sub(r"//.*", "", (CUDA_SOURCES / name).read_text())
        divisions = [line for line in code.splitlines() if re.search(r"[\w)] [/%] [\w(]", line)]
        assert divisions == []


@pytest.mark.parametrize("architecture", [90])
def test_nvcc_compiles_the_same_source(tmp_path: Path, architecture: int) -> None:
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not installed")
    cubin = tmp_path / "kernels.cubin"
    command = [nvcc, f"-arch=sm_{architecture}", "-std=c++17", "-cubin", "-Werror", "all-warnings"]
    subprocess.run([*command, str(KERNELS), "-o", str(cubin)], check=True)
    assert set(text_sizes(cubin.read_bytes())) == set(all_kernels())


def text_sizes(cubin: bytes) -> dict[str, int]:
    """Bytes of machine code of each kernel, from the section table of the ELF file."""
    (table,) = struct.unpack_from("<Q", cubin, 40)
    entry, count, names = struct.unpack_from("<HHH", cubin, 58)
    sections = [struct.unpack_from("<IIQQQQ", cubin, table + i * entry) for i in range(count)]
    strings = cubin[sections[names][4] :]
    named = {strings[s[0] :].split(b"\0", 1)[0].decode(): s[5] for s in sections}
    return {
        name.removeprefix(".text."): size
        for name, size in named.items()
        if name.startswith(".text.")
    }
