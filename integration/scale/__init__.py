"""`make scale`: what many replicas in many regions do to registries, computed, and checked with several Envoys."""
