"""Real clients, each behind the same small face: pull an image, check it, forget it."""
