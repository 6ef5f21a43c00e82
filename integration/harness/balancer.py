"""nginx and HAProxy in front of Envoy, with the configurations of docs/behind-a-balancer.md as they stand there."""

import re
from pathlib import Path

from harness import nginx, own_port, paths, ports
from harness.processes import Server
from harness.tls import Credentials

PAGE = paths.ROOT / "docs/behind-a-balancer.md"
MODULES = Path("/usr/lib/nginx/modules")

HAPROXY = "defaults\n    timeout connect 10s\n    timeout client 30s\n    timeout server 30s\n"


def of_the_page(heading: str, number: int = 0) -> str:
    """A block of the page: the first one, or a later one, below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[number]


class Balancer:
    """A balancer that hands on what comes to its port."""

    def __init__(self, server: Server, port: int) -> None:
        self.port = port
        self.server = server

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()


def with_nginx(block: str, to_port: int, credentials: Credentials, directory: Path) -> Balancer:
    """nginx with a block of the page, for HTTP or for connections."""
    port = own_port.reserve()
    # Debian's nginx is older than the directive.
    block = re.sub(r"listen 443 ssl;\n.*?\n", f"listen 127.0.0.1:{port} ssl http2 reuseport;\n", block)
    block = block.replace("listen 443;", f"listen 127.0.0.1:{port} reuseport;")
    block = block.replace("/etc/nginx/tls.crt", str(credentials.certificate)).replace("/etc/nginx/tls.key", str(credentials.key))
    block = re.sub(r"10\.0\.0\.20:\d+", f"127.0.0.1:{to_port}", block)
    if block.startswith("stream"):
        main = f"load_module {MODULES / 'ngx_stream_module.so'};\n{nginx.ONE_PROCESS}\n{block}"
        return Balancer(nginx.start("balancer", directory, port, "", main), port)
    return Balancer(nginx.start("balancer", directory, port, f"access_log off;\n{block}"), port)


def with_haproxy(block: str, to_port: int, credentials: Credentials, directory: Path) -> Balancer:
    """HAProxy with a block of the page."""
    port = own_port.reserve()
    pem = directory / "registry.pem"
    pem.write_text(credentials.certificate.read_text() + credentials.key.read_text())
    block = block.replace("bind :443", f"bind 127.0.0.1:{port}").replace("/etc/haproxy/registry.pem", str(pem))
    block = re.sub(r"10\.0\.0\.20:\d+", f"127.0.0.1:{to_port}", block)
    configuration = directory / "haproxy.cfg"
    configuration.write_text(HAPROXY + block)
    server = Server("balancer", [paths.need_command("haproxy"), "-db", "-f", configuration], directory)
    server.wait_until(lambda: ports.listens(port) or None, "it listens")
    return Balancer(server, port)
