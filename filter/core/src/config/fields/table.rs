//! The description of a field, and a table of fields.

/// The fields of one mapping.
#[derive(Debug)]
pub struct Table {
    /// Where the mapping stands, as `docs/policy.md` writes it: `fronts.NAME`; empty for the whole
    /// policy.
    pub place: &'static str,
    /// Its fields. No other is accepted.
    pub fields: &'static [Field],
}

/// One field of a mapping.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// The key that it had in an earlier release. It is read as this one
    /// ([`super::rename_old_fields`]), and the command line says the new name to whoever writes it.
    pub old_name: Option<&'static str>,
    /// Whether it has to be there.
    pub is_required: bool,
    /// What may be written as its value.
    pub value: Value,
    /// What it means, in one line for the person who writes it.
    pub meaning: &'static str,
}

/// What a value looks like. What it refers to, and whether it contradicts another one, is not said
/// here.
#[derive(Debug)]
pub enum Value {
    /// The number of this version of the format.
    Version,
    /// Any text but an empty one.
    Text,
    /// Any text.
    TextOrNothing,
    /// A URL with the scheme `http` or `https`.
    Url,
    /// A length of time: digits and `ms`, `s`, `m` or `h`.
    Time,
    /// `true` or `false`.
    Flag,
    /// A whole number, from the first to the last.
    Whole(u64, u64),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list.
    List(&'static Value),
    /// A list that is not empty.
    Items(&'static Value),
    /// A mapping from names of the policy's own.
    ByName(&'static Value),
    /// A mapping from names that may have other letters too: labels, paths.
    ByText(&'static Value),
    /// A mapping with these fields.
    Fields(&'static Table),
    /// A mapping with exactly one of these fields.
    OneField(&'static Table),
    /// Any of these.
    Any(&'static [Value]),
}

impl Value {
    /// Whether a list, and nothing else, belongs here.
    pub(crate) const fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Items(_))
    }
}

impl Table {
    /// Whether there is such a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that had this name in an earlier release.
    pub(crate) fn renamed(&self, old_name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.old_name == Some(old_name))
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }

    /// The names of the fields that have to be there.
    pub(crate) fn required(&self) -> Vec<&'static str> {
        self.fields.iter().filter(|field| field.is_required).map(|field| field.name).collect()
    }

    /// This table and all tables of mappings below it, each once.
    #[must_use]
    pub fn all(&'static self) -> Vec<&'static Self> {
        let mut found = Vec::new();
        collect(self, &mut found);
        found
    }
}

fn collect(table: &'static Table, found: &mut Vec<&'static Table>) {
    if found.iter().any(|known| known.place == table.place) {
        return;
    }
    found.push(table);
    for field in table.fields {
        tables_of(&field.value, found);
    }
}

fn tables_of(value: &'static Value, found: &mut Vec<&'static Table>) {
    match value {
        Value::Fields(table) | Value::OneField(table) => collect(table, found),
        Value::List(inner) | Value::Items(inner) | Value::ByName(inner) | Value::ByText(inner) => {
            tables_of(inner, found);
        }
        Value::Any(values) => values.iter().for_each(|value| tables_of(value, found)),
        _ => {}
    }
}

impl Field {
    /// The same field, which an earlier release knew by another name.
    pub(crate) const fn formerly(self, old_name: &'static str) -> Self {
        Self { old_name: Some(old_name), ..self }
    }
}

/// A field that has to be there.
pub(crate) const fn required(name: &'static str, value: Value, meaning: &'static str) -> Field {
    Field { name, old_name: None, is_required: true, value, meaning }
}

/// A field that may be left out.
pub(crate) const fn optional(name: &'static str, value: Value, meaning: &'static str) -> Field {
    Field { name, old_name: None, is_required: false, value, meaning }
}
