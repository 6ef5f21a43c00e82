"""Whether Linux hands the connections that wait at a socket which is closed to another socket of the address.

docs/upgrading.md has it switched on where two Envoys listen at one address in turn. It is a setting of the network namespace, so
`scripts/test-all changes` runs the tests that need it in one of their own.
"""

from pathlib import Path

SETTING = Path("/proc/sys/net/ipv4/tcp_migrate_req")


def need_migration() -> None:
    """Fails if it is switched off."""
    assert SETTING.read_text().strip() == "1", "net.ipv4.tcp_migrate_req is 0; scripts/test-all changes sets it"
