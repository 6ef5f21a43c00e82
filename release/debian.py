"""Files of Debian packages, read from the packages themselves.

Source: deb(5), a package is an `ar` archive of `debian-binary`, `control.tar.*` and `data.tar.*`.
"""

import io
import tarfile
from collections.abc import Callable, Iterator

from release.oci import Entry

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60


class NotAPackage(ValueError):
    """The bytes are no Debian package."""


def members(package: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member of the `ar` archive."""
    if not package.startswith(MAGIC):
        raise NotAPackage("it does not begin like an ar archive")
    at = len(MAGIC)
    while at < len(package):
        header = package[at : at + HEADER_BYTES]
        name = header[:16].decode().strip().rstrip("/")
        size = int(header[48:58])
        at += HEADER_BYTES
        yield name, package[at : at + size]
        # Members begin at even places.
        at += size + size % 2


def archive(package: bytes, part: str) -> tarfile.TarFile:
    """`data` or `control` of a package."""
    for name, content in members(package):
        if name.startswith(f"{part}.tar"):
            return tarfile.open(fileobj=io.BytesIO(content), mode="r:*")
    raise NotAPackage(f"it has no {part}.tar")


def entries(package: bytes, wanted: Callable[[str], bool]) -> list[Entry]:
    """The files and links whose paths are wanted; paths are relative to the root."""
    found = []
    with archive(package, "data") as data:
        for member in data:
            path = member.name.removeprefix("./")
            if wanted(path) and not member.isdir():
                found.append(_entry(data, member, path))
    return found


def _entry(data: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Entry:
    if member.issym():
        return Entry(path, 0o777, target=member.linkname)
    # A hard link's content is that of the file that it leads to.
    content = data.extractfile(member)
    if content is None:
        raise NotAPackage(f"{path} is neither a file nor a link")
    return Entry(path, member.mode, content.read())


def control(package: bytes) -> bytes:
    """The text that says name, version and licence-relevant source of a package."""
    with archive(package, "control") as part:
        for member in part:
            if member.name.removeprefix("./") == "control":
                content = part.extractfile(member)
                if content is not None:
                    return content.read()
    raise NotAPackage("it has no control file")


def field(text: bytes, name: str) -> str:
    """A field of a control file; empty if it is not there."""
    for line in text.decode().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return ""
