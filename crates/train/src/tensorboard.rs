//! TensorBoard event files: scalars over steps.
//!
//! A file is a sequence of TFRecords: length u64 LE · masked CRC32C of the length · payload · masked CRC32C of the
//! payload. A payload is a protobuf `Event { double wall_time = 1; int64 step = 2; string file_version = 3;
//! Summary summary = 5; SessionLog session_log = 7 }`, a summary is repeated `Value { string tag = 1; float simple_value = 2 }` in field 1.
//! The first event carries the version `brain.Event:2`.
//! Sources: TensorFlow's `tfrecord` format description, `event.proto` and `summary.proto`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::TrainError;

/// An event file that grows.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    name: std::path::PathBuf,
}

impl EventWriter {
    /// Opens `events.out.tfevents.<seconds>.<step>` in a folder: each start of a run has a file of its own, and
    /// TensorBoard shows them as one.
    ///
    /// # Errors
    /// I/O.
    pub fn create(folder: &Path, step: u64) -> Result<Self, TrainError> {
        let now = wall_time();
        std::fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let name = folder.join(format!("events.out.tfevents.{:010}.vxc.{step}", now as u64));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&name)
            .map_err(TrainError::io(&name))?;
        let mut writer = Self { file, name };
        let mut event = Vec::new();
        put_double(&mut event, 1, now);
        put_bytes(&mut event, 3, b"brain.Event:2");
        writer.write(&event)?;
        if step > 0 {
            // What was logged beyond the checkpoint will be logged again: readers drop it.
            writer.write(&start_event(now, step + 1))?;
        }
        Ok(writer)
    }

    /// Appends scalars of one step.
    ///
    /// # Errors
    /// I/O.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<(), TrainError> {
        let event = scalar_event(wall_time(), step, values);
        self.write(&event)
    }

    fn write(&mut self, event: &[u8]) -> Result<(), TrainError> {
        self.file.write_all(&tf_record(event)).map_err(TrainError::io(&self.name))
    }
}

fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// A session that starts before a step.
fn start_event(time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, time);
    put_key(&mut event, 2, 0);
    put_varint(&mut event, step);
    // SessionLog { status = 1: START }
    put_bytes(&mut event, 7, &[0x08, 1]);
    event
}

/// One event with scalars.
fn scalar_event(time: f64, step: u64, values: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut v = Vec::new();
        put_bytes(&mut v, 1, tag.as_bytes());
        put_key(&mut v, 2, 5);
        v.extend((*value as f32).to_le_bytes());
        put_bytes(&mut summary, 1, &v);
    }
    let mut event = Vec::new();
    put_double(&mut event, 1, time);
    put_key(&mut event, 2, 0);
    put_varint(&mut event, step);
    put_bytes(&mut event, 5, &summary);
    event
}

/// The framing of one record.
fn tf_record(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(payload.len() + 16);
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(payload);
    out.extend(masked_crc(payload).to_le_bytes());
    out
}

/// The checksum as TFRecords store it, so that a checksum of data with checksums stays meaningful.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn put_varint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

/// Wire types: 0 varint, 1 64 bits, 2 bytes, 5 32 bits.
fn put_key(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    put_varint(out, (field << 3 | wire_type).into());
}

fn put_double(out: &mut Vec<u8>, field: u32, x: f64) {
    put_key(out, field, 1);
    out.extend(x.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_key(out, field, 2);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payloads of a file, checksums verified.
    fn payloads(mut file: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while let Some((length, rest)) = file.split_first_chunk::<8>() {
            let (crc, rest) = rest.split_first_chunk::<4>().unwrap();
            assert_eq!(u32::from_le_bytes(*crc), masked_crc(length));
            let (payload, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
            let (crc, rest) = rest.split_first_chunk::<4>().unwrap();
            assert_eq!(u32::from_le_bytes(*crc), masked_crc(payload));
            out.push(payload.to_vec());
            file = rest;
        }
        assert!(file.is_empty());
        out
    }

    #[test]
    fn a_known_event_has_known_bytes() {
        let event = scalar_event(0.0, 300, &[("a", 1.0)]);
        let expected = [
            &[0x09, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &[0x10, 0xac, 0x02],
            &[0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15, 0, 0, 0x80, 0x3f],
        ]
        .concat();
        assert_eq!(event, expected);
    }

    #[test]
    fn the_check_value_of_crc32c_is_masked_as_specified() {
        // CRC32C("123456789") = e3069283.
        let masked = 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_crc(b"123456789"), masked);
    }

    #[test]
    fn a_file_is_framed_and_starts_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let mut w = EventWriter::create(folder.path(), 0).unwrap();
        w.scalars(1, &[("loss", 2.5), ("lr", 1e-3)]).unwrap();
        w.scalars(2, &[("loss", 2.25)]).unwrap();
        let all = payloads(&std::fs::read(&w.name).unwrap());
        assert_eq!(all.len(), 3);
        assert!(all[0].windows(13).any(|w| w == b"brain.Event:2"));
        assert!(all[1].windows(4).any(|w| w == b"loss"));
    }
}
