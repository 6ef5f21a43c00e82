"""`scripts/dashboards`: writes envoy/observability/dashboards/*.json."""

import json
import sys
from pathlib import Path

from dashboards.every import ALL
from dashboards.grafana import document

PLACE = Path(__file__).resolve().parents[2] / "envoy" / "observability" / "dashboards"


def files() -> dict[Path, str]:
    """What each file should say."""
    found = {}
    for name, dashboard in ALL.items():
        others = [other for other in ALL.values() if other is not dashboard]
        found[PLACE / f"{name}.json"] = json.dumps(document(dashboard, others), indent=2) + "\n"
    return found


def main() -> int:
    """Writes all of them; the exit status."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
        print(f"dashboards: wrote {path.relative_to(PLACE.parents[2])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
