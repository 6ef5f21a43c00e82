//! How clients name the registries behind a front.

/// How clients that could say `ns` name registries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// By `ns`, else by a host of the registry's own.
    #[default]
    Namespace,
    /// By the start of the path, where something between them and the front drops queries.
    Path,
}
