//! What the look-ahead is: its streams, their codes and methods, where a network is trained or a model helps, and the
//! segments to be cut.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use vxc_format::TokeniserSource;
use vxc_format::constants::MAX_SEGMENT_RAW;

use super::Encoder;
use super::segment::{Cut, Output};
use crate::error::Error;
use crate::level::{LOOKAHEAD, segments};
use crate::model::Model;
use crate::plan::{LONG_TRIAL_BYTES, Part, model_helps, parts_like, plan};
use crate::stream::Stream;
use crate::stream_code::{Form, StreamCode};

impl<W: Write> Encoder<W> {
    /// Decides on streams and segments of the look-ahead. `more` says that bytes follow it: then a record
    /// that it cuts is left for the next one.
    pub(super) fn plan(&mut self, more: bool) -> Result<(), Error> {
        let started = Instant::now();
        let from = self.start;
        let sample = &self.buffer[from..from + self.pending().min(LOOKAHEAD as usize)];
        let given = match &self.options.model {
            Some(model) => model.layout().cloned().or_else(|| self.options.layout.clone()),
            None => self.options.layout.clone(),
        };
        let parts = match std::mem::take(&mut self.given) {
            none if none.is_empty() => {
                // Who gives a layout answers for its start; a model may be for other data.
                let checked = self.options.model.is_none() && self.summary.raw_bytes == 0;
                parts_like(sample, given.as_ref(), more, checked)
            }
            sections => sections,
        };
        let mut at = from;
        let most = parts.iter().map(|p| p.len).max().unwrap_or(0);
        for part in &parts {
            let sample = at..at + part.len;
            at += part.len;
            let record = part.layout.as_ref().map_or(1, |l| l.record_bytes) as u64;
            let level = self.level;
            let (longest, single) = match self.options.segment_bytes {
                // A key must still hold something to learn from.
                Some(n) => (n.clamp(1 << 12, MAX_SEGMENT_RAW), n.min(level.single_bytes())),
                None => (level.segment_bytes(), level.single_bytes()),
            };
            let lengths = segments(longest, single, part.len as u64, record);
            let stream = self.add_stream(part, sample, &lengths, part.len == most)?;
            for (j, &len) in lengths.iter().enumerate() {
                let key = j == 0 && lengths.len() > 1;
                self.cuts.push_back(Cut { stream, len: len as usize, key });
            }
        }
        self.summary.plan_seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn add_stream(
        &mut self,
        part: &Part,
        sample: Range<usize>,
        lengths: &[u64],
        largest_part: bool,
    ) -> Result<usize, Error> {
        let level = self.level;
        let largest = lengths.iter().copied().max().unwrap_or(1);
        let total = part.len as u64;
        let bytes = &self.buffer[sample.clone()];
        let own = plan(level, part.layout.as_ref(), bytes, total, largest)?;
        let trained = self.options.model.is_none() && level.is_neural();
        if trained && largest_part {
            self.train(&own.code, sample.clone())?;
        }
        let sample = &self.buffer[sample];
        let model = if trained { &self.trained } else { &self.options.model };
        let model = model.clone().filter(|m| m.layout() == part.layout.as_ref());
        let method = |model: &Model| model.method(level, self.options.pure);
        let embed = trained || self.options.embed_model;
        // Who can afford to train can afford to know what it brought.
        let most = if trained { usize::MAX } else { LONG_TRIAL_BYTES };
        let carried = embed && !self.model_used;
        let price = (carried, most);
        // Asked for by name, the network codes, whatever it costs.
        let forced = |model: &Model| self.options.pure && model.neural().is_some();
        let (stream, method, source) = match model {
            // A model is used where it helps, and only there is it needed to decompress.
            Some(model)
                if forced(&model)
                    || model_helps(&model, method(&model), &own, sample, total, price)? =>
            {
                self.summary.networks += usize::from(model.neural().is_some());
                if carried {
                    model.neural().map_or(Ok(()), |neural| neural.check_embedded())?;
                    self.writer.embed_model(model.file())?;
                    self.summary.embedded_bytes += model.file().len() as u64;
                }
                self.model_used = true;
                let method = method(&model);
                let source = TokeniserSource::Model(model.id());
                (Stream::of_model(model), method, source)
            }
            _ => (Stream::new(own.code), own.method, TokeniserSource::Inline),
        };
        let kind = stream.code().kind();
        let payload = match source {
            TokeniserSource::Inline => stream.code().to_bytes(),
            TokeniserSource::Model(_) => Vec::new(),
        };
        let id = self.writer.define_stream(kind, source, &payload)?;
        // What verification decodes with is what a reader will read.
        let stream = match source {
            TokeniserSource::Inline => stream.read_back(&payload)?,
            TokeniserSource::Model(_) => stream,
        };
        self.summary.streams.push(match stream.code().form {
            Form::Text | Form::Bytes => 0,
            _ => stream.code().record_bytes() as u64,
        });
        self.streams.push(Output { stream, method, id, key: None });
        Ok(self.streams.len() - 1)
    }

    /// Trains a network on the first records that there are.
    fn train(&mut self, code: &StreamCode, sample: Range<usize>) -> Result<(), Error> {
        let (Some(trainer), None, Form::Fields(_)) =
            (&self.options.trainer, &self.trained, &code.form)
        else {
            return Ok(());
        };
        let record = code.record_bytes();
        let raw = &self.buffer[sample];
        let whole = &raw[..raw.len() / record * record];
        if let Some((network, alone)) = trainer.train(code, whole)? {
            self.trained = Some(Arc::new(Model::bare(self.level, code, network, alone)?));
        }
        Ok(())
    }
}
