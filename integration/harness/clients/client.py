"""What the tests need of a client."""

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.accounts import Account
from harness.image import Image

SECONDS = 180


def trusting(trust: Path | None) -> dict[str, str | Path]:
    """What makes a program that is written in Go trust an authority, and no other."""
    return {} if trust is None else {"SSL_CERT_FILE": trust}


class ClientFailed(RuntimeError):
    """The client ended with an error; the message is what it said."""


class Client(ABC):
    """A program that pulls images. A reference is `host:port/repository:tag`."""

    name: str
    # Whether a wrong password fails at the login already, and not at the first pull.
    asks_at_login = True

    @abstractmethod
    def login(self, authority: str, account: Account) -> None:
        """Has the client use an account at a registry from now on.

        Raises `ClientFailed` if it asks the registry at once and is refused (`asks_at_login`).
        """

    def pull(self, reference: str) -> str:
        """Pulls an image anew; the digest by which the client knows it, of the index or a configuration."""
        self.forget()
        return self.fetch(reference)

    @abstractmethod
    def forget(self) -> None:
        """Empties the store, so that nothing is left that need not be fetched again. Logins stay."""

    @abstractmethod
    def fetch(self, reference: str) -> str:
        """Pulls an image, as far as it is not there; what `pull` gives."""

    def stop(self) -> None:
        """Stops what runs for it alone."""
        return


class Pusher(Client):
    """A client that pushes too."""

    @abstractmethod
    def load(self, image: Image, reference: str) -> None:
        """Puts an image into the client's own store, under the name that it will be pushed to."""

    @abstractmethod
    def push(self, reference: str) -> None:
        """Pushes an image of the own store where its name says."""


def output(
    command: Sequence[str | Path],
    environment: Mapping[str, str | Path] | None = None,
    stdin: bytes = b"",
    directory: Path | None = None,
) -> str:
    """What a command prints; `ClientFailed` with its complaint if it fails."""
    words = list(map(str, command))
    variables = {**os.environ, **{name: str(value) for name, value in (environment or {}).items()}}
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            env=variables,
            cwd=directory,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ClientFailed(f"{' '.join(words)}\nnot within {late.timeout} s") from late
    said, complaint = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    if done.returncode != 0:
        raise ClientFailed(f"{' '.join(words)}\n{complaint}{said}")
    return said
