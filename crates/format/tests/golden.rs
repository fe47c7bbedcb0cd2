//! The bytes of version 1, frozen. If one of these fails, the format has changed: old archives must stay
//! readable, so that needs a new version, not a new constant here.

mod common;

use common::{header, read_all, small_archive};
use vxc_format::{ArchiveWriter, DecodeLimits, FileIndex, Header};

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(32).fold(String::new(), |mut text, line| {
        line.iter().for_each(|b| text.push_str(&format!("{b:02x}")));
        text.push('\n');
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
}

const EMPTY: &str = "\
895658430d0a1a0a01000500000000008a876d224900028fe72e80d05331fa14
0014000000000000000d0000000000000000000000af1349b9f5f9a1a6a0404d
ea36dcc9499bcb25c9adc112b7cc9a93cae41f326201000000835a2bb6435856
89
";

const SMALL: &str = "\
895658430d0a1a0a010f1b0501000100096a657473ff2e62696e15cd853dfe9c
9717a4830219aa2997a2540300000000000000004beaa569530e0642e15f1c00
0000000006f72cc5a41a26e364b64be29a6865616465724d200bd629d5375c03
7775734e09b4c9921dcdc62917a139f5af5cbdd4e1462716c3c5195dd7a583fa
96626d6f64656c20627974657354230429e43d260101015c037775734e09b4c9
921dcdc62917a139f5af5cbdd4e1462716c3c5195dd7a509bab66d62696e7353
0e08eef97b2d010601030008f29e8b1ffe18ba32d3052d9a8d9a9c908d9bcfce
530e081a0a2b3e020e0103020828a3595762269e23921568868d9a9c908d9bcf
cd530e0358015a3003160001000316f475d2c58c6df6198694329a919b490027
b337e0c92f22cc7f2a07540e00531906000000064d2b0b542e04531908010300
0853190801030208531903000100031d01000000000000320000001900000000
0000000758c6a547acf831fca8788299c139c76185f4364e380b8819452b0943
a3766a6209967d69cd19a643585689
";

#[test]
fn the_empty_archive() {
    let bytes = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap().finish().unwrap().0;
    assert_eq!(hex(&bytes), EMPTY);
    assert_eq!(read_all(&unhex(EMPTY)[..], DecodeLimits::default()).unwrap().1, b"");
}

#[test]
fn the_small_archive() {
    assert_eq!(hex(&small_archive()), SMALL);
}

#[test]
fn the_frozen_bytes_are_read() {
    let bytes = unhex(SMALL);
    let (blocks, content) = read_all(&bytes[..], DecodeLimits::default()).unwrap();
    assert_eq!(content, b"headerrecord01record02end");
    assert_eq!(blocks.len(), 8);
    let index =
        FileIndex::read(&mut std::io::Cursor::new(&bytes), &DecodeLimits::default()).unwrap();
    let a = &index.archives()[0];
    assert_eq!(a.header(), &header());
    // Adler-32 by zlib of the content above: computed outside of this program.
    assert_eq!(a.footer().content.adler32, 0x7D96_0962);
}
