//! Bytes as symbols.
//!
//! A table's bytes are typed by their place in the record, counted in fours: `place mod 4`, so that types follow
//! the record even where its length is no multiple of 4. Plain bytes have one type and no record above.

use crate::data::Corpus;

/// The bytes of whole records; `record_bytes` 1 stands for plain bytes.
pub fn corpus(bytes: &[u8], record_bytes: usize) -> Corpus {
    let record_bytes = record_bytes.max(1);
    let table = record_bytes > 1;
    let types = record_bytes.min(4);
    Corpus {
        record_tokens: record_bytes,
        record_bytes,
        type_of: (0..record_bytes).map(|i| (i % 4) as u16).collect(),
        alphabets: vec![256; types],
        symbols: bytes[..bytes.len() / record_bytes * record_bytes].to_vec(),
        has_above: table,
        ..Corpus::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_follow_the_record() {
        let c = corpus(&[9; 20], 6);
        assert_eq!(c.records(), 3);
        assert_eq!(c.type_of, [0, 1, 2, 3, 0, 1]);
        assert_eq!(c.types(), 4);
        let plain = corpus(b"text", 1);
        assert_eq!((plain.records(), plain.types(), plain.has_above), (4, 1, false));
    }
}
