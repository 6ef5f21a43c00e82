"""The filter as an OCI image, in the form that Istio and Envoy Gateway read.

An image whose one layer is a tar with `plugin.wasm` in it: the "compat" variant of
https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md. The other form, an artefact with the module itself as a layer, is
refused by Istio unless a second layer stands before it (istio.io/istio/pkg/wasm/imagefetcher.go).
"""

from release import oci
from release.oci import Entry
from release.source import Source

MODULE = "plugin.wasm"
VARIANT = {"module.wasm.image/variant": "compat"}
DESCRIPTION = "Portolan's filter for Envoy, to be loaded by Istio's WasmPlugin or Envoy Gateway's EnvoyExtensionPolicy."


def build(wasm: bytes, source: Source) -> oci.Image:
    """The image."""
    return oci.image(
        [oci.layer([Entry(MODULE, 0o644, wasm)], source.time)],
        {},
        {"os": "wasip1", "architecture": "wasm"},
        source.created,
        {**source.labels("portolan-wasm", DESCRIPTION), **VARIANT},
    )
