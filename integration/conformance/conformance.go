//go:build tools

// Package conformance names the conformance suite of the OCI distribution spec, so that go.mod and go.sum say which one
// scripts/setup builds.
package conformance

import _ "github.com/opencontainers/distribution-spec/conformance"
