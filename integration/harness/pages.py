"""The commands of a page of the documentation, as its reader sees them."""

from harness import paths

INDENT = "    "


def blocks(page: str) -> list[str]:
    """The indented blocks of `docs/PAGE`, from above to below. Blocks between ``` are files, not commands."""
    found: list[list[str]] = []
    is_fenced, before = False, ""
    for line in (paths.ROOT / "docs" / page).read_text().splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif line.startswith(INDENT) and not is_fenced:
            if not before.startswith(INDENT):
                found.append([])
            found[-1].append(line.removeprefix(INDENT))
        before = line
    return ["\n".join(block) for block in found]
