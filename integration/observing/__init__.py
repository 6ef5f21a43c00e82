"""Whether an operator who sees one thing alone can tell what is broken, for whom, and since when."""
