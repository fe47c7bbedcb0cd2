//! What the streams of an archive are, in words: for `list`, `inspect` and `-v`.

use std::io::{Read, Seek};

use vxc::stream::Stream;
use vxc::tokens::transform::Transform;
use vxc::tokens::{Field, RecordLayout, Step, Tokeniser};
use vxc::{Archive, Form};

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
    pub fn of(&self, layout: &RecordLayout) -> Vec<String> {
        layout.fields.iter().map(|f| self.one(layout, f)).collect()
    }

    /// The names of a stream's fields: its model's, else as [`FieldNames::of`].
    pub fn of_stream(&self, stream: &Stream) -> Vec<String> {
        match (stream.model(), stream.code().layout()) {
            (Some(model), Some(layout)) if model.names().len() == layout.fields.len() => {
                model.names().to_vec()
            }
            (_, Some(layout)) => self.of(layout),
            (_, None) => Vec::new(),
        }
    }

    fn one(&self, layout: &RecordLayout, field: &Field) -> String {
        if !field.name.is_empty() || layout.record_bytes != self.record_bytes {
            return field.name.clone();
        }
        match self.names.binary_search_by_key(&field.offset, |(offset, _)| *offset) {
            Ok(i) => self.names[i].1.clone(),
            Err(_) => String::new(),
        }
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

/// The relations of a stream as `target = formula`.
pub fn relations(stream: &Stream, names: &FieldNames) -> Vec<String> {
    let Some(tokeniser) = tokeniser(stream) else { return Vec::new() };
    let names = names.of_stream(stream);
    tokeniser
        .steps()
        .iter()
        .filter_map(|step| match &step.transform {
            Transform::Relation(predictor) => {
                let target = field_name(&names, step.field);
                Some(format!("{target} = {}", predictor.describe(&names)))
            }
            _ => None,
        })
        .collect()
}

/// A field's name, or its number.
pub fn field_name(names: &[String], field: u16) -> String {
    match names.get(usize::from(field)) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => format!("#{field}"),
    }
}

/// How a step codes its field, in a few words.
pub fn coding(step: &Step, names: &[String]) -> String {
    let mut text = match &step.transform {
        Transform::Identity => "value".to_owned(),
        Transform::Delta => "difference to the record before".to_owned(),
        Transform::Quantum(q) if q.is_power_of_two() => {
            format!("multiples of 2^{}", q.trailing_zeros())
        }
        Transform::Quantum(q) => format!("multiples of {q}"),
        Transform::Relation(predictor) => format!("= {}", predictor.describe(names)),
    };
    if step.copy {
        text.push_str(", or a copy");
    }
    text
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

/// The streams and their relations, one line each.
///
/// # Errors
/// Whatever is wrong with the archive's definitions.
pub fn facts<R: Read + Seek>(
    archive: &mut Archive<R>,
    names: &FieldNames,
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for id in 0..archive.stream_count() {
        let stream = archive.first_stream(id)?;
        lines.push(format!("  {}", headline(id, stream)));
        lines.extend(relations(stream, names).into_iter().map(|r| format!("    {r}")));
    }
    Ok(lines)
}
