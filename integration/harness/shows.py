"""Programs that show something to a person at a terminal: what all of them do around what they show."""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import paths, portolan, processes

# What ends such a program with a message; anything else is a mistake in it.
FAILURES: tuple[type[Exception], ...] = (paths.Missing, processes.ServerFailed, portolan.PortolanFailed, OSError)
INTERRUPTED = 130


def run(name: str, show: Callable[[Path], None], failures: tuple[type[Exception], ...] = ()) -> int:
    """Shows it, in a directory that is gone afterwards, as are the servers; the exit status.

    `failures` end it with a message as well.
    """
    processes.stop_all_at_exit()
    # Whoever pipes this somewhere wants to see it grow, too.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f"portolan-{name}-") as directory:
            show(Path(directory))
    except (*FAILURES, *failures) as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        processes.stop_all()
    return 0


def relative(path: Path) -> Path:
    """A path as somebody in the checkout would type it."""
    return path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else path
