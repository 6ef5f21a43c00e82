"""`make failover-report`: what clients notice while registries fail, measured with real Envoy, registries and clients."""
