"""What is released: images, archives and what is in them, built from files alone and the same byte for byte each time."""
