"""nginx with the blocks that a suite gives it, which writes nowhere but into its directory."""

from pathlib import Path

from harness import paths, ports
from harness.processes import Server

CONFIGURATION = """
daemon off;
pid {directory}/nginx.pid;
error_log stderr info;
{main}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
}}
"""
ONE_PROCESS = "master_process off;\nevents { }"


def start(name: str, directory: Path, port: int, http: str, main: str = ONE_PROCESS) -> Server:
    """Starts it, and waits until it listens at the port, which one of the blocks says.

    nginx cannot say which port the kernel chose: the port is one of `own_port.reserve`, and the block has `reuseport`.
    """
    configuration = directory / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(directory=directory, main=main, http=http))
    server = Server(name, [paths.need_command("nginx"), "-e", "stderr", "-c", configuration], directory)
    server.wait_until(lambda: ports.listens(port) or None, "it listens")
    return server
