"""Grafana dashboards: what is on them is data here, and a program writes the JSON from it."""
