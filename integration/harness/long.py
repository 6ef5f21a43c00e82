"""What takes minutes runs in `scripts/test-all changes` only, which sets `PORTOLAN_LONG_CHANGES`."""

import os

import pytest

IS_LONG = bool(os.environ.get("PORTOLAN_LONG_CHANGES"))
only_long = pytest.mark.skipif(not IS_LONG, reason="takes minutes; scripts/test-all changes runs it")
