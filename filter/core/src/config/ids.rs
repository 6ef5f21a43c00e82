//! Indices into the compiled policy.
//!
//! An id is made only while a policy is compiled, so it always names something that exists
//! in the configuration it came from.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id of the `index`-th item, counted from 0 in the order of the policy.
            #[must_use]
            pub const fn new(index: u32) -> Self {
                Self(index)
            }

            /// The position of the item in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A front: a public hostname that clients use.
    FrontId
);
id!(
    /// An upstream of a front: a registry that clients name.
    UpstreamId
);
id!(
    /// A backend: one real upstream registry.
    BackendId
);
id!(
    /// A region: a named group of clients.
    RegionId
);
id!(
    /// A label that network prefixes carry, such as `aws:eu-west-1`.
    LabelId
);
id!(
    /// An auth domain: the token service, or the user database, of credentials that clients send.
    AuthDomainId
);
id!(
    /// One of the kinds of requests that the policy refuses.
    RefusedId
);
id!(
    /// A list of backends.
    ListId
);
id!(
    /// A blob store.
    StoreId
);
id!(
    /// A rule: which repositories have which chains and owner. Lower ids win.
    RuleId
);
