"""Real clients, each behind the same small face: log in, push, pull, and say what was pulled."""
