//! The headers between the filter and Envoy. None of them reaches a backend, and only [`BACKEND`]
//! can reach a client, if a front wants it.

/// What all of them begin with. A client's headers of that kind are removed before anything reads
/// them.
pub const PREFIX: &str = "x-portolan-";

/// The name of the cluster that the route sends a request to. The filter overwrites it always, and
/// the configuration lists it in `internal_only_headers`: no client chooses a cluster.
pub const CLUSTER: &str = "x-portolan-cluster";

/// The name of the credential that Envoy's injector, which runs behind the attempt phase, puts into
/// a request.
pub const CREDENTIAL: &str = "x-portolan-credential";

/// The address at the other end of the connection. Envoy sets it where a policy believes geo
/// headers of trusted proxies only.
pub const PEER: &str = "x-portolan-peer";

/// Who gave the answer: the name of a backend in the policy. A front says so if it is told to
/// (`fronts.NAME.say_backend`).
pub const BACKEND: &str = "x-portolan-backend";

/// Marks an answer after which Envoy goes on to the next backend. One that a backend sends is
/// removed before the attempt phase sees the answer, and none reaches a client.
pub const GO_ON: &str = "x-portolan-go-on";

/// Marks an answer that has to be judged, or that asks for credentials; the attempt phase tells the
/// response phase so. To read a status costs as much as a dozen questions for a header that is not
/// there.
pub const DOUBTFUL: &str = "x-portolan-doubtful";

/// What a node of a cache says of its answer: `hit`, `coalesced` or `miss`. It is a header of an
/// answer like any other of this kind, so that nobody else's reaches a client.
pub const CACHE: &str = "x-portolan-cache";

/// By what a node of a cache says its name where it is filled. It is not of the [kind](PREFIX) that
/// is removed before anything reads it: nobody but nodes gets there. No registry is shown it.
pub const CACHE_NODE: &str = "portolan-cache-node";
