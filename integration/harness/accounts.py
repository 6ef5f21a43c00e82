"""Who a client says it is, and files of who there is."""

import base64
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness import paths

# bcrypt's least: each answer costs a millisecond or two instead of fifty.
COST = 4


@dataclass(frozen=True)
class Account:
    """A name and its password."""

    user: str
    password: str

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def but_wrong(self) -> "Account":
        """The same name with another password."""
        return Account(self.user, f"not {self.password}")


def read_basic(authorization: str) -> Account | None:
    """The account in an Authorization header; none if it is of another scheme or broken."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return Account(user, password) if colon else None


def write_htpasswd(path: Path, accounts: Iterable[Account], cost: int = COST) -> Path:
    """Writes accounts as `htpasswd -B` does, with bcrypt. A file that is there is replaced in one step."""
    lines = [_htpasswd_line(account, cost) for account in accounts]
    fresh = path.with_name(path.name + ".new")
    fresh.write_text("".join(lines))
    fresh.rename(path)
    return path


def _htpasswd_line(account: Account, cost: int) -> str:
    # -i: the password comes by standard input, where no list of processes shows it.
    command = [paths.need_command("htpasswd"), "-n", "-i", "-B", "-C", str(cost), account.user]
    done = subprocess.run(
        command, input=account.password, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip() + "\n"
