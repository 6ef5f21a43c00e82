"""Every dashboard, by the name of its file."""

from dashboards.boards import BACKENDS_BOARD, FRONT_BOARD, OVERVIEW
from dashboards.caches import CACHES_BOARD

ALL = {"overview": OVERVIEW, "backends": BACKENDS_BOARD, "front": FRONT_BOARD, "caches": CACHES_BOARD}
