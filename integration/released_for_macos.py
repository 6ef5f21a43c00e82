"""What a release delivers for macOS, looked at: no machine here can run it.

Not part of `make test`, which builds nothing for macOS; `scripts/test-dist` runs it on the release that it has built. RELEASE names its
directory. What is looked at is what its kernel and its linker look at before a program runs: the processor, the version of the system, the
libraries that are to be there, and the signature, without which no program runs on such a machine.
"""

import hashlib
import os
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

RELEASE = Path(os.environ["RELEASE"])
# <mach-o/loader.h>: a 64-bit file, its header and what is in it.
MAGIC_64, ARM64, EXECUTABLE, HEADER = 0xFEEDFACF, 0x0100000C, 2, 32
LOAD_DYLIB, CODE_SIGNATURE, BUILD_VERSION, MACOS = 0xC, 0x1D, 0x32, 1
# <kern/cs_blobs.h>: numbers of a signature are big-endian.
EMBEDDED_SIGNATURE, CODE_DIRECTORY, SHA256, ADHOC = 0xFADE0CC0, 0xFADE0C02, 2, 0x2
# What every macOS has of its own.
LIBRARIES = {"/usr/lib/libSystem.B.dylib", "/usr/lib/libiconv.2.dylib", "/usr/lib/libcharset.1.dylib"}
OLDEST = (13, 0)


@pytest.fixture(scope="module")
def program() -> bytes:
    """The command line in the package."""
    (package,) = RELEASE.glob("portolan-[0-9]*-macos-arm64.tar.gz")
    with tarfile.open(package) as files:
        (name,) = (each for each in files.getnames() if each.endswith("/bin/portolan"))
        content = files.extractfile(name)
        assert content and files.getmember(name).mode == 0o755
        return content.read()


def commands(program: bytes) -> Iterator[tuple[int, bytes]]:
    """The load commands: kind, and all bytes."""
    (count,) = struct.unpack_from("<I", program, 16)
    at = HEADER
    for _ in range(count):
        kind, size = struct.unpack_from("<II", program, at)
        yield kind, program[at : at + size]
        at += size


def test_it_is_a_program_for_that_processor_and_system(program: bytes) -> None:
    magic, processor = struct.unpack_from("<II", program)
    (kind,) = struct.unpack_from("<I", program, 12)
    assert (magic, processor, kind) == (MAGIC_64, ARM64, EXECUTABLE)
    (version,) = (command for kind, command in commands(program) if kind == BUILD_VERSION)
    platform, oldest = struct.unpack_from("<II", version, 8)
    assert (platform, (oldest >> 16, oldest >> 8 & 0xFF)) == (MACOS, OLDEST)


def test_it_needs_no_library_but_the_systems(program: bytes) -> None:
    named = set()
    for kind, command in commands(program):
        if kind == LOAD_DYLIB:
            (at,) = struct.unpack_from("<I", command, 8)
            named.add(command[at:].rstrip(b"\0").decode())
    assert named == LIBRARIES


def test_its_signature_is_of_its_bytes(program: bytes) -> None:
    """The kernel compares each page that it loads with its hash in the signature, and ends a program with another one."""
    (command,) = (command for kind, command in commands(program) if kind == CODE_SIGNATURE)
    at, size = struct.unpack_from("<II", command, 8)
    assert at + size == len(program)
    magic, _, parts, kind, offset = struct.unpack_from(">IIIII", program, at)
    assert (magic, parts, kind) == (EMBEDDED_SIGNATURE, 1, 0)
    at += offset
    magic, _, _, flags, hashes, _, _, pages, signed = struct.unpack_from(">9I", program, at)
    hash_size, hash_kind, _, page_bits = struct.unpack_from("4B", program, at + 36)
    assert (magic, flags & ADHOC, hash_kind) == (CODE_DIRECTORY, ADHOC, SHA256)
    page = 1 << page_bits
    assert pages == -(-signed // page) and signed == at - offset
    for number in range(pages):
        content = program[number * page : min(signed, (number + 1) * page)]
        told = program[at + hashes + number * hash_size :][:hash_size]
        assert hashlib.sha256(content).digest() == told, f"page {number}"


def test_it_is_this_version_and_holds_the_words_of_the_commands(program: bytes) -> None:
    (package,) = RELEASE.glob("portolan-[0-9]*-macos-arm64.tar.gz")
    version = package.name.split("-")[1]
    assert version.encode() in program
    assert b"/etc/ssl/cert.pem" in program, "where that system has its authorities"
