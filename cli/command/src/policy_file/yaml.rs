//! Policies as YAML 1.2 with the core schema, where `NO` is Norway and not "false".
//!
//! Of YAML's conveniences only those are read that a person can follow with the finger: anchors
//! and aliases. Tags, merge keys and several documents in a file are refused.

use std::rc::Rc;

use portolan_core::config::Document;
use saphyr::{LoadableYamlNode, MarkedYaml, Marker, Scalar, YamlData};

use super::diagnostic::Diagnostic;
use super::place::{Place, PlaceTree, Position};
use super::yaml_error;
use super::yaml_property::{Properties, Property};

/// How far a line may be indented, in columns.
///
/// It bounds the nesting: the parser itself bounds brackets (at 255), but not block collections,
/// and a value nested a million times would overflow the stack of whoever walks through it.
const MAXIMUM_INDENTATION: usize = 200;

const TAG: &str = "a value with a tag (`!`) is not read; write the value alone";

/// Reads one document with the place of every value in it.
pub(super) fn read(text: &str, file: &Rc<str>) -> Result<(Document, PlaceTree), Vec<Diagnostic>> {
    check_indentation(text, file)?;
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let (at, message) = yaml_error::explain(&error, text);
        vec![Diagnostic::mistake(Place::at(file, at), message)]
    })?;
    let mut reader = Reader {
        text,
        properties: Properties::of(text),
        file,
        in_alias: false,
        diagnostics: Vec::new(),
    };
    let read = match single(documents) {
        Ok(node) => reader.value(node),
        Err((place, message)) => {
            let place = place.map_or_else(|| Place::whole(file), |at| Place::at(file, at));
            return Err(vec![Diagnostic::mistake(place, message)]);
        }
    };
    if reader.diagnostics.is_empty() { Ok(read) } else { Err(reader.diagnostics) }
}

fn check_indentation(text: &str, file: &Rc<str>) -> Result<(), Vec<Diagnostic>> {
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start_matches([' ', '\t', '-', '?', ':']);
        let indentation = line.len().saturating_sub(content.len());
        let counts = !content.is_empty() && !content.starts_with('#');
        if counts && indentation > MAXIMUM_INDENTATION {
            let position =
                Position { line: index.saturating_add(1), column: indentation.saturating_add(1) };
            let message = format!(
                "this line is indented by more than {MAXIMUM_INDENTATION} columns; \
                 no part of a policy is nested so deeply"
            );
            return Err(vec![Diagnostic::mistake(Place::at(file, position), message)]);
        }
    }
    Ok(())
}

/// The one document of a file, or why there is none.
fn single(
    documents: Vec<MarkedYaml<'_>>,
) -> Result<MarkedYaml<'_>, (Option<Position>, &'static str)> {
    let mut documents = documents.into_iter();
    let Some(first) = documents.next().filter(|first| !first.data.is_badvalue()) else {
        return Err((None, "the file is empty; a policy starts with `version: 1`"));
    };
    match documents.next() {
        None => Ok(first),
        Some(second) => Err((
            Some(position(&second.span.start)),
            "a second document starts here; a policy is one document, so take out the `---`",
        )),
    }
}

/// Markers count lines from 1 and columns from 0.
fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col().saturating_add(1) }
}

struct Reader<'t> {
    text: &'t str,
    properties: Properties<'t>,
    file: &'t Rc<str>,
    /// Whether the nodes are copies that an alias made: what is wrong with them was told where
    /// they stand themselves.
    in_alias: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads a node and what is in it.
    fn value(&mut self, node: MarkedYaml<'_>) -> (Document, PlaceTree) {
        let place = Place::at(self.file, position(&node.span.start));
        let property = if self.in_alias {
            Property::None
        } else {
            self.properties.at(node.span.start.index())
        };
        if property == Property::Tag {
            self.refuse(&place, TAG);
        }
        if property == Property::Alias && node.data.is_badvalue() {
            let message = "this alias stands inside the value that it repeats; write it out";
            self.refuse(&place, message);
        }
        let outside = self.in_alias;
        self.in_alias |= property == Property::Alias;
        let (document, children) = self.content(node.data, &place);
        self.in_alias = outside;
        (document, PlaceTree { place, children })
    }

    /// What a node holds, without its own place.
    fn content<'y>(
        &mut self,
        data: YamlData<'y, MarkedYaml<'y>>,
        place: &Place,
    ) -> (Document, Vec<PlaceTree>) {
        match data {
            YamlData::Value(scalar) => (self.scalar(scalar, place), Vec::new()),
            YamlData::Sequence(items) => {
                let items = items.into_iter().map(|item| self.value(item));
                let (items, places) = items.unzip();
                (Document::List(items), places)
            }
            YamlData::Mapping(entries) => {
                let entries = entries.into_iter();
                let entries = entries.filter_map(|(key, value)| self.entry(key, value));
                let (entries, places) = entries.unzip();
                (Document::Mapping(entries), places)
            }
            // Of these only tagged and bad values come out of the loader: a tag that it does not
            // know, and an alias for a value that is not complete yet.
            YamlData::Tagged(..)
            | YamlData::BadValue
            | YamlData::Alias(_)
            | YamlData::Representation(..) => {
                self.refuse(place, TAG);
                (Document::Null, Vec::new())
            }
        }
    }

    fn entry(
        &mut self,
        key: MarkedYaml<'_>,
        value: MarkedYaml<'_>,
    ) -> Option<((String, Document), PlaceTree)> {
        let (key, PlaceTree { place, .. }) = self.value(key);
        let (value, PlaceTree { children, .. }) = self.value(value);
        match key {
            Document::String(name) if name == "<<" => {
                let message = "merge keys (`<<`) are not read; write the fields out, or repeat \
                     a whole value with an alias (`*name`)";
                self.refuse(&place, message);
                None
            }
            Document::String(name) => Some(((name, value), PlaceTree { place, children })),
            other => {
                let message = match (&other, &value) {
                    (Document::Number(_), Document::Null) => {
                        "a field and its value belong here, and a number stands alone; numbers are written without commas".to_owned()
                    }
                    _ => self.bad_key(&other, &place),
                };
                self.refuse(&place, &message);
                None
            }
        }
    }

    /// Why what stands in a key's place is none.
    fn bad_key(&self, key: &Document, place: &Place) -> String {
        match key {
            Document::Number(number) => {
                format!("the key `{number}` is a number; put it in quotes: `\"{number}\"`")
            }
            Document::Boolean(value) => {
                format!("the key `{value}` is no text; put it in quotes: `\"{value}\"`")
            }
            // `{{ .Values.host }}` is a mapping in a mapping's place, as YAML goes.
            Document::Mapping(_) => {
                let template =
                    place.position().and_then(|at| yaml_error::template_at(self.text, at));
                template.unwrap_or_else(|| "a key must be text; this is a mapping".to_owned())
            }
            _ => "a key must be text; put it in quotes".to_owned(),
        }
    }

    fn scalar(&mut self, scalar: Scalar<'_>, place: &Place) -> Document {
        match scalar {
            Scalar::Null => Document::Null,
            Scalar::Boolean(value) => Document::Boolean(value),
            Scalar::Integer(value) => Document::Number(value.into()),
            Scalar::FloatingPoint(value) => self.fraction(*value, place),
            Scalar::String(text) => Document::String(text.into_owned()),
        }
    }

    /// A number with a fraction. JSON, and so the filter, has no infinities.
    fn fraction(&mut self, value: f64, place: &Place) -> Document {
        let number = serde_json::Number::from_f64(value).map(Document::Number);
        if number.is_none() {
            self.refuse(place, "a number must be finite; put text in quotes");
        }
        number.unwrap_or(Document::Null)
    }

    /// Records a mistake, once for each place: a mapping starts where its first key does.
    fn refuse(&mut self, place: &Place, message: &str) {
        let is_new = (self.diagnostics.last()).is_none_or(|last| last.place != *place);
        if is_new && !self.in_alias {
            self.diagnostics.push(Diagnostic::mistake(place.clone(), message));
        }
    }
}

#[cfg(test)]
mod tests;
