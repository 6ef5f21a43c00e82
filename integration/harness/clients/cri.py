"""The call by which a kubelet has a containerd pull an image (CRI v1, ImageService), made with curl.

gRPC is HTTP/2 with a five-byte frame around each message, and the messages are few and small.
"""

import json
import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import Client, ClientFailed, output
from harness.processes import Server

SERVICE = "http://localhost/runtime.v1.ImageService/"


class Cri(Client):
    """A containerd with the plug-in of Kubernetes, and its kubelet."""

    name = "cri"
    asks_at_login = False

    def __init__(self, directory: Path, hosts: Path | None = None) -> None:
        """`hosts` is a directory of `hosts.toml` files, by which containerd finds mirrors of registries."""
        # The path of a socket is at most 108 bytes, and pytest's directories are long.
        self._short = tempfile.TemporaryDirectory(prefix="cri-")
        self._socket = Path(self._short.name) / "c.sock"
        directory.mkdir(parents=True, exist_ok=True)
        self._accounts: dict[str, Account] = {}
        self._pulled: set[str] = set()
        configuration = directory / "cri.toml"
        configuration.write_text(_configuration(directory, self._socket, hosts))
        command: list[str | Path] = [paths.need_command("containerd"), "--config", configuration]
        self.server = Server("cri", command, directory)
        self.server.wait_until(self._answers, "it answers")

    def login(self, authority: str, account: Account) -> None:
        """Remembers the account, as an image pull secret does."""
        self._accounts[authority] = account

    def forget(self) -> None:
        """Removes what was pulled through this."""
        for reference in self._pulled:
            self._call("RemoveImage", _image(reference))
        self._pulled.clear()

    def fetch(self, reference: str) -> str:
        """Pulls the image of this machine's platform and unpacks it; the digest of the configuration."""
        self._pulled.add(reference)
        image = _image(reference)
        account = self._accounts.get(reference.partition("/")[0])
        if account is not None:
            image += _field(2, _field(1, account.user.encode()) + _field(2, account.password.encode()))
        answer = self._call("PullImage", image)
        # PullImageResponse { string image_ref = 1; }, which is short.
        return answer[2 : 2 + answer[1]].decode()

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()
        self._short.cleanup()

    def _answers(self) -> bytes | None:
        try:
            return self._call("ListImages", b"")
        except ClientFailed:
            return None

    def _call(self, method: str, message: bytes) -> bytes:
        """The answer to a message. That it is about a password shows in no list of processes."""
        body, trailers = Path(self._short.name) / "answer", Path(self._short.name) / "trailers"
        headers = ("--header", "content-type: application/grpc", "--header", "te: trailers")
        where = ("--http2-prior-knowledge", "--unix-socket", self._socket, SERVICE + method)
        command = (paths.need_command("curl"), "--silent", "--show-error", "--max-time", "55", *headers)
        output([*command, "--data-binary", "@-", "-o", body, "-D", trailers, *where], stdin=_frame(message))
        said = trailers.read_text()
        if "grpc-status: 0" not in said:
            raise ClientFailed(f"{method}: {said}")
        return body.read_bytes()[5:]


def _frame(message: bytes) -> bytes:
    """Not compressed, and the length (gRPC over HTTP/2: Length-Prefixed-Message)."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _image(reference: str) -> bytes:
    """{ ImageSpec image = 1; } with ImageSpec { string image = 1; }: how every message here begins."""
    return _field(1, _field(1, reference.encode()))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes in a protocol buffer's message: a tag, the length as a varint, the bytes."""
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def _configuration(directory: Path, socket: Path, hosts: Path | None) -> str:
    """TOML writes strings as JSON does. The file system needs nothing of the kernel, and the network is unused."""
    root, state = json.dumps(str(directory / "cri-root")), json.dumps(str(socket.parent / "state"))
    network = json.dumps(str(directory / "no-network"))
    return f"""version = 2
root = {root}
state = {state}
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = {json.dumps(str(socket))}
[plugins."io.containerd.grpc.v1.cri"]
stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = {json.dumps(str(hosts or ""))}
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = {network}
conf_dir = {network}
"""
