"""nginx and HAProxy in front of Envoy, with the configurations of docs/behind-a-balancer.md as they stand there."""

import re
import socket
from pathlib import Path

from harness import own_port, paths
from harness.processes import Server
from harness.tls import Credentials

PAGE = paths.ROOT / "docs/behind-a-balancer.md"
MODULES = Path("/usr/lib/nginx/modules")

NGINX_HTTP = """
events {{ }}
http {{
    access_log off;
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
    {of_the_page}
}}
"""
NGINX_STREAM = "load_module {module};\nevents {{ }}\n{of_the_page}"
NGINX = "daemon off; master_process off; pid {place}/nginx.pid; error_log stderr;\n"
HAPROXY = "defaults\n    timeout connect 10s\n    timeout client 30s\n    timeout server 30s\n"


def of_the_page(heading: str, number: int = 0) -> str:
    """A block of the page: the first one, or a later one, below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[number]


class Balancer:
    """A balancer that hands on what comes to its port."""

    def __init__(self, command: list[str | Path], port: int, directory: Path) -> None:
        self.port = port
        self.server = Server("balancer", command, directory)
        self.server.wait_until(self._listens, "it listens")

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _listens(self) -> bool | None:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0 or None


def nginx(block: str, to_port: int, credentials: Credentials, directory: Path) -> Balancer:
    """nginx with a block of the page, for HTTP or for connections."""
    port = own_port.reserve()
    # Debian's nginx is older than the directive.
    block = re.sub(r"listen 443 ssl;\n.*?\n", f"listen 127.0.0.1:{port} ssl http2 reuseport;\n", block)
    block = block.replace("listen 443;", f"listen 127.0.0.1:{port} reuseport;")
    block = block.replace("/etc/nginx/tls.crt", str(credentials.certificate)).replace("/etc/nginx/tls.key", str(credentials.key))
    block = re.sub(r"10\.0\.0\.20:\d+", f"127.0.0.1:{to_port}", block)
    around = NGINX_STREAM if block.startswith("stream") else NGINX_HTTP
    whole = around.format(place=directory, of_the_page=block, module=MODULES / "ngx_stream_module.so")
    configuration = directory / "nginx.conf"
    configuration.write_text(NGINX.format(place=directory) + whole)
    return Balancer([paths.need_command("nginx"), "-e", "stderr", "-c", configuration], port, directory)


def haproxy(block: str, to_port: int, credentials: Credentials, directory: Path) -> Balancer:
    """HAProxy with a block of the page."""
    port = own_port.reserve()
    pem = directory / "registry.pem"
    pem.write_text(credentials.certificate.read_text() + credentials.key.read_text())
    block = block.replace("bind :443", f"bind 127.0.0.1:{port}").replace("/etc/haproxy/registry.pem", str(pem))
    block = re.sub(r"10\.0\.0\.20:\d+", f"127.0.0.1:{to_port}", block)
    configuration = directory / "haproxy.cfg"
    configuration.write_text(HAPROXY + block)
    return Balancer([paths.need_command("haproxy"), "-db", "-f", configuration], port, directory)
