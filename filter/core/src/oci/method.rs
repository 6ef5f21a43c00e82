//! HTTP methods.

/// The methods of the OCI distribution spec 1.1 ("Endpoints").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Asks whether something exists.
    Head,
    /// Starts an upload.
    Post,
    /// Closes an upload, or pushes a manifest.
    Put,
    /// Sends a chunk of an upload.
    Patch,
    /// Removes, or cancels an upload.
    Delete,
}

impl Method {
    /// Reads a method, which is case-sensitive (RFC 9110, section 9.1); `None` for any other.
    #[must_use]
    pub const fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            b"GET" => Some(Self::Get),
            b"HEAD" => Some(Self::Head),
            b"POST" => Some(Self::Post),
            b"PUT" => Some(Self::Put),
            b"PATCH" => Some(Self::Patch),
            b"DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The method as it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request of the method has content that the API gives a meaning to. To another,
    /// content is something that the next reader may take for a request of its own (RFC 9110,
    /// sections 9.3.1, 9.3.2 and 9.3.5).
    #[must_use]
    pub const fn has_content(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Whether the method leaves the registry as it is.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods() {
        let reads = [("GET", true), ("HEAD", true)];
        let writes = [("POST", false), ("PUT", false), ("PATCH", false), ("DELETE", false)];
        for (text, is_read) in reads.into_iter().chain(writes) {
            let method = Method::parse(text.as_bytes()).unwrap();
            assert_eq!((method.as_str(), method.is_read()), (text, is_read));
            let has_content = matches!(text, "POST" | "PUT" | "PATCH");
            assert_eq!(method.has_content(), has_content, "{text}");
        }
        for other in ["", "get", "Get", "GET ", "OPTIONS", "CONNECT", "TRACE", "GETX", "\0"] {
            assert_eq!(Method::parse(other.as_bytes()), None, "{other:?}");
        }
    }
}
