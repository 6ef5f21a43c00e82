// Package gateway names Envoy Gateway as a tool; see go.mod.
package gateway
