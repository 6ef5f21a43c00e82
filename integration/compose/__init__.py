"""The compose stacks with a real Docker: `make test-compose`."""
