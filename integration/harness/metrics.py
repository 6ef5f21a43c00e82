"""What a listener for metrics says, as numbers by name and labels."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness import raw

LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Sample:
    """One line."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape:
    """All lines of one answer."""

    def __init__(self, port: int) -> None:
        answer = raw.request(port, "GET", "/metrics")
        assert answer.status == 200, answer
        self.text = answer.body.decode()
        self.samples = list(_samples(self.text))

    def sum(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name that have these labels."""
        return sum(each.value for each in self.samples if each.name == name and labels.items() <= each.labels.items())

    def by(self, name: str, *labels: str) -> Counter[tuple[str, ...]]:
        """The sums for each combination of labels, as far as they are above nought."""
        found: Counter[tuple[str, ...]] = Counter()
        for each in self.samples:
            if each.name == name and each.value:
                found[tuple(each.labels.get(label, "") for label in labels)] += int(each.value)
        return found

    def values(self, label: str, prefix: str = "portolan_") -> set[str]:
        """Every value of a label among the metrics whose names begin so."""
        return {each.labels[label] for each in self.samples if each.name.startswith(prefix) and label in each.labels}


def _samples(text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            found = LINE.match(line)
            assert found, line
            name, labels, value = found.groups()
            yield Sample(name, dict(LABEL.findall(labels or "")), float(value))
