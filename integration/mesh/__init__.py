"""Portolan in the gateway of a service mesh: the real control plane, a real Envoy. Run by scripts/test-istio."""
