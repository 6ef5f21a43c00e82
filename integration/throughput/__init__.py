"""How many requests an Envoy with Portolan carries, and how long they take."""
