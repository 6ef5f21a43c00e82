"""What a cache tier does and costs, measured and computed; `make bench-cache` writes docs/cache-measured.md."""
