//! The tokens of the grammar of challenges (RFC 9110 sections 5.6 and 11.2).

/// What is still to be read of one field value. Every step takes what it names, or nothing.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'v>(&'v str);

impl<'v> Scanner<'v> {
    pub(super) const fn new(value: &'v str) -> Self {
        Self(value)
    }

    pub(super) const fn rest(self) -> &'v str {
        self.0
    }

    /// Spaces and tabs, `OWS` and `BWS`; whether there were any.
    pub(super) fn skip_spaces(&mut self) -> bool {
        !self.take_while(is_space).is_empty()
    }

    /// What stands between the elements of a list; empty elements are none (section 5.6.1.2).
    pub(super) fn skip_separators(&mut self) {
        self.take_while(|byte| is_space(byte) || byte == b',');
    }

    /// Whether an element of the list may end here.
    pub(super) fn is_at_end_of_element(mut self) -> bool {
        self.skip_spaces();
        self.0.is_empty() || self.0.starts_with(',')
    }

    /// `token` (section 5.6.2): a scheme, the name of a parameter, a value without quotes.
    pub(super) fn token(&mut self) -> Option<&'v str> {
        Some(self.take_while(is_token)).filter(|token| !token.is_empty())
    }

    /// `BWS "=" BWS`; whether it was there.
    pub(super) fn equals_sign(&mut self) -> bool {
        let mut ahead = *self;
        ahead.skip_spaces();
        let Some(rest) = ahead.0.strip_prefix('=') else { return false };
        self.0 = rest;
        self.skip_spaces();
        true
    }

    /// A parameter's value, without quotes and escapes.
    pub(super) fn value(&mut self) -> Option<String> {
        self.quoted_string().or_else(|| self.token().map(str::to_owned))
    }

    /// `quoted-string` (section 5.6.4). Without its closing quote it is none.
    fn quoted_string(&mut self) -> Option<String> {
        let mut characters = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => text.push(characters.next()?),
                character => text.push(character),
            }
        }
        self.0 = characters.as_str();
        Some(text)
    }

    /// `token68` (section 11.2) as the whole of a list's element; whether it was there. By its
    /// end it is told from a parameter: `abc==` is one, `abc=d` is not.
    pub(super) fn token68(&mut self) -> bool {
        let mut ahead = *self;
        let begins = !ahead.take_while(is_token68).is_empty();
        ahead.take_while(|byte| byte == b'=');
        let found = begins && ahead.is_at_end_of_element();
        if found {
            *self = ahead;
        }
        found
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'v str {
        let end = self.0.bytes().position(|byte| !belongs(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }
}

/// What a quoted string may hold: visible ASCII, spaces and tabs. RFC 9110 section 5.5 lets
/// other bytes pass as opaque data; clients disagree about them, and no registry needs them.
pub(super) const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `tchar` (RFC 9110 section 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

const fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}
