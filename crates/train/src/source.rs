//! From training files to a corpus: layout, split, tokeniser.

use vxc::tokens::detect::detect;
use vxc::{Form, Level, Model, StreamCode};
use vxc_tokens::{FitOptions, RecordLayout, fit};

use crate::config::{DataSection, Symbols};
use crate::data::{Corpus, Split, bytes, fields};
use crate::error::TrainError;

/// Everything that training knows of its data.
#[derive(Clone, Debug)]
pub struct Source {
    /// Whole records of all files.
    pub bytes: Vec<u8>,
    /// Their layout; none: plain bytes.
    pub layout: Option<RecordLayout>,
    /// How the bytes become symbols, in the serial form of the codec.
    pub code: StreamCode,
    /// The codec's model fitted to the training part: the tokeniser's source, and the baseline to beat.
    pub fitted: Model,
    /// The symbols.
    pub corpus: Corpus,
    /// Which records are for what.
    pub split: Split,
}

impl Source {
    /// Reads files of one kind. `layout`: none: found in the bytes. `model`: a fitted model whose tokeniser is to be
    /// used; none: fitted to the training part.
    ///
    /// # Errors
    /// [`TrainError::Data`] if there are too few records, or no tokeniser where field symbols are asked for.
    pub fn new(
        files: &[Vec<u8>],
        layout: Option<RecordLayout>,
        model: Option<Model>,
        section: &DataSection,
    ) -> Result<Self, TrainError> {
        let layout = match (&model, layout) {
            (Some(model), _) => model.layout().cloned(),
            (None, Some(layout)) => Some(layout),
            (None, None) => files.first().and_then(|f| detected(f)),
        };
        let record = layout.as_ref().map_or(1, |l| l.record_bytes);
        let bytes: Vec<u8> =
            files.iter().flat_map(|f| &f[..f.len() / record * record]).copied().collect();
        let split = Split::new(bytes.len() / record, section.validation, section.test)?;
        let train = &bytes[..split.train.end * record];
        let fitted = match model {
            Some(model) => model,
            None => Model::fit(Level::default(), layout.as_ref(), &[train.to_vec()])?,
        };
        let code = match (section.symbols, &fitted.code().form, &layout) {
            (Symbols::Bytes, _, Some(layout)) => with(fitted.code(), Form::Records(layout.clone())),
            (Symbols::Bytes, ..)
            | (Symbols::Auto, _, _)
            | (Symbols::Fields, Form::Fields(_), _) => fitted.code().clone(),
            (Symbols::Fields, _, Some(layout)) => {
                let tokeniser = fit(layout, train, &FitOptions::default())?;
                with(fitted.code(), Form::Fields(tokeniser))
            }
            (Symbols::Fields, _, None) => {
                return Err(TrainError::Data(
                    "no records were found, so there are no field symbols; give --layout or \
                     --record, or set symbols=bytes"
                        .into(),
                ));
            }
        };
        let corpus = corpus(&code, &bytes);
        Ok(Self { bytes, layout, code, fitted, corpus, split })
    }

    /// The same split and code as before, from what a run wrote.
    ///
    /// # Errors
    /// As [`Source::new`].
    pub fn again(
        files: &[Vec<u8>],
        code: StreamCode,
        fitted: Model,
        section: &DataSection,
    ) -> Result<Self, TrainError> {
        let layout = code.layout().cloned();
        let record = code.record_bytes();
        let bytes: Vec<u8> =
            files.iter().flat_map(|f| &f[..f.len() / record * record]).copied().collect();
        let split = Split::new(bytes.len() / record, section.validation, section.test)?;
        let corpus = corpus(&code, &bytes);
        Ok(Self { bytes, layout, code, fitted, corpus, split })
    }

    /// Bytes of a range of records of the corpus.
    pub fn bytes_of(&self, records: std::ops::Range<usize>) -> &[u8] {
        let size = self.corpus.record_bytes;
        &self.bytes[records.start * size..records.end * size]
    }

    /// A checksum of the data: a run is resumed with the same only.
    pub fn checksum(&self) -> u32 {
        crc32c::crc32c(&self.bytes)
    }
}

/// The symbols of whole records under a code.
pub fn corpus(code: &StreamCode, raw: &[u8]) -> Corpus {
    match &code.form {
        Form::Fields(tokeniser) => fields::corpus(tokeniser, raw),
        Form::Records(layout) => bytes::corpus(raw, layout.record_bytes),
        Form::Text | Form::Bytes => bytes::corpus(raw, 1),
    }
}

fn with(code: &StreamCode, form: Form) -> StreamCode {
    StreamCode { form, plan: None, ..code.clone() }
}

/// The layout of the longest stretch, where that starts the file: what is before a table is not skipped.
fn detected(file: &[u8]) -> Option<RecordLayout> {
    let longest = detect(file).into_iter().max_by_key(|r| r.len)?;
    longest.layout.filter(|_| longest.start == 0)
}
