"""The soak: two tenants under load for an hour, while registries fail in every way and the policy changes every ten seconds."""
