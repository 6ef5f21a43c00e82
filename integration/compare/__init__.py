"""`make compare`: Portolan and other proxies before the same two registries, side by side."""
