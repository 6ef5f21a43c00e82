"""What the suites stand on: processes, registries, images, a scripted upstream, Envoy and raw clients."""
