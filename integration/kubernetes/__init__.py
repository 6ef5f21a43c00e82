"""The Helm chart on a real Kubernetes node: `make test-kubernetes`."""
