//! What the streams of an archive are, in words: for `list`, `inspect` and `-v`.

use std::fmt;
use std::io::{Read, Seek};

use vxc::stream::Stream;
use vxc::tokens::relation::Predictor;
use vxc::tokens::transform::Transform;
use vxc::tokens::{Field, RecordLayout, Step, Tokeniser};
use vxc::{Archive, Form};

use crate::console::{Console, Escaped};
use crate::failure::Failure;

/// Names of fields, which archives do not store: from a layout that the user has beside the file.
#[derive(Clone, Debug, Default)]
pub struct FieldNames {
    record_bytes: usize,
    /// By offset in the record.
    names: Vec<(usize, String)>,
}

impl FieldNames {
    /// Takes the names of a layout.
    pub fn learn(&mut self, layout: Option<&RecordLayout>) {
        let Some(layout) = layout else { return };
        self.record_bytes = layout.record_bytes;
        self.names = layout
            .fields
            .iter()
            .filter(|f| !f.name.is_empty())
            .map(|f| (f.offset, f.name.clone()))
            .collect();
    }

    /// The names of a layout's fields, in order: its own, else those learned, else empty.
    pub fn of<'a>(&'a self, layout: &'a RecordLayout) -> Vec<&'a str> {
        layout.fields.iter().map(|f| self.one(layout, f)).collect()
    }

    /// The names of a stream's fields: its model's, else as [`FieldNames::of`].
    pub fn of_stream<'a>(&'a self, stream: &'a Stream) -> Vec<&'a str> {
        match (stream.model(), stream.code().layout()) {
            (Some(model), Some(layout)) if model.names().len() == layout.fields.len() => {
                model.names().iter().map(String::as_str).collect()
            }
            (_, Some(layout)) => self.of(layout),
            (_, None) => Vec::new(),
        }
    }

    fn one<'a>(&'a self, layout: &RecordLayout, field: &'a Field) -> &'a str {
        if !field.name.is_empty() || layout.record_bytes != self.record_bytes {
            return &field.name;
        }
        let found = self.names.binary_search_by_key(&field.offset, |(offset, _)| *offset);
        found.ok().and_then(|i| self.names.get(i)).map_or("", |(_, name)| name)
    }
}

/// The word for a form: `text`, `bytes`, `records` (modelled byte by byte), `fields` (with a tokeniser).
pub fn form(stream: &Stream) -> &'static str {
    match stream.code().form {
        Form::Text => "text",
        Form::Bytes => "bytes",
        Form::Records(_) => "records",
        Form::Fields(_) => "fields",
    }
}

/// The tokeniser, where there is one.
pub fn tokeniser(stream: &Stream) -> Option<&Tokeniser> {
    match &stream.code().form {
        Form::Fields(tokeniser) => Some(tokeniser),
        _ => None,
    }
}

/// Number of fields, 0 for plain bytes.
pub fn fields(stream: &Stream) -> usize {
    stream.code().layout().map_or(0, |l| l.fields.len())
}

/// A relation as `target = formula`, which is long where names are: it is made as it is written.
pub struct Relation<'a> {
    names: &'a [&'a str],
    field: u16,
    predictor: &'a Predictor,
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = field_name(self.names, self.field);
        write!(f, "{target} = {}", self.predictor.describe(self.names))
    }
}

/// The relations of a stream whose fields have these names.
pub fn relations<'a>(
    stream: &'a Stream,
    names: &'a [&'a str],
) -> impl Iterator<Item = Relation<'a>> {
    let steps = tokeniser(stream).map_or(&[][..], Tokeniser::steps);
    steps.iter().filter_map(|step| match &step.transform {
        Transform::Relation(predictor) => Some(Relation { names, field: step.field, predictor }),
        _ => None,
    })
}

/// A field's name, or its number.
pub fn field_name(names: &[&str], field: u16) -> String {
    match names.get(usize::from(field)) {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => format!("#{field}"),
    }
}

/// How a step codes its field, in a few words and the names of fields.
pub struct Coding<'a>(pub &'a Step, pub &'a [&'a str]);

impl fmt::Display for Coding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.transform {
            Transform::Identity => f.write_str("value"),
            Transform::Delta => f.write_str("difference to the record before"),
            Transform::Quantum(q) if q.is_power_of_two() => {
                write!(f, "multiples of 2^{}", q.trailing_zeros())
            }
            Transform::Quantum(q) => write!(f, "multiples of {q}"),
            Transform::Relation(predictor) => write!(f, "= {}", predictor.describe(self.1)),
        }?;
        f.write_str(if self.0.copy { ", or a copy" } else { "" })
    }
}

/// One stream in a line.
pub fn headline(id: u32, stream: &Stream) -> String {
    let code = stream.code();
    let mut text = match &code.form {
        Form::Text => format!("stream {id}: text"),
        Form::Bytes => format!("stream {id}: plain bytes"),
        Form::Records(l) => {
            format!("stream {id}: records of {} bytes, modelled as bytes", l.record_bytes)
        }
        Form::Fields(t) => {
            let (bytes, fields) = (t.layout().record_bytes, t.steps().len());
            format!("stream {id}: records of {bytes} bytes, {fields} fields")
        }
    };
    if let Some(model) = stream.model() {
        text.push_str(&format!(", model {}", model.id()));
        if let Some(neural) = model.neural() {
            let c = neural.config();
            text.push_str(&format!(
                ", network of {} layers, width {}, {}",
                c.n_layers,
                c.d_model,
                if neural.alone() { "record by record" } else { "over records" }
            ));
        }
    }
    text
}

/// Tells the streams and their relations, one line each.
///
/// # Errors
/// Whatever is wrong with the archive's definitions.
pub fn tell<R: Read + Seek>(
    archive: &mut Archive<R>,
    names: &FieldNames,
    console: &Console,
) -> Result<(), Failure> {
    for id in 0..archive.stream_count() {
        let stream = archive.first_stream(id)?;
        console.note(&format!("  {}", headline(id, stream)));
        for relation in relations(stream, &names.of_stream(stream)) {
            console.note(&format!("    {}", Escaped(relation)));
        }
    }
    Ok(())
}
