"""Links out of docs/ lead to the same file in the repository: the site has the pages of docs/ alone."""

import re
from typing import Any

REPOSITORY = "https://github.com/drycc/portolan/blob/main/"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by MkDocs for each page, before it is made to HTML."""
    depth = page.file.src_uri.count("/") + 1
    outside = re.compile(r"\]\((?:\.\./){%d}(?!\.\.)([^)]*)\)" % depth)
    return outside.sub(lambda found: f"]({REPOSITORY}{found[1]})", markdown)
