//! gzip files made here, through the unpacked form and back: levels, members, damage, and contents of several groups.

use flate2::{Compression, GzBuilder, write::GzEncoder};
use std::io::{Cursor, Write};
use vxc_remake::{Limits, RemakeError, Tally, form, pack, scan, unpack};

fn text(lines: u32) -> Vec<u8> {
    let line = |i: u32| format!("P {i} {} {:.6e}\n", i * i % 97, f64::from(i).sqrt());
    (0..lines).flat_map(|i| line(i).into_bytes()).collect()
}

fn gzip(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Form, number of groups, tally; none where nothing can be opened.
fn packed(file: &[u8]) -> Option<(Vec<u8>, usize, Tally)> {
    let plan = scan(Cursor::new(file.to_vec())).unwrap()?;
    let (mut form, mut groups) = (Vec::new(), 0);
    let tally = pack(&mut Cursor::new(file), &plan, |group| {
        let bytes: usize = group.iter().map(|section| section.bytes.len()).sum();
        assert!(bytes as u64 <= form::MAX_GROUP);
        groups += 1;
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    });
    Some((form, groups, tally.unwrap()))
}

/// Members made again, of all.
fn round_trip(file: &[u8]) -> (u64, usize) {
    let (form, groups, tally) = packed(file).unwrap();
    let mut back = Vec::new();
    unpack(&form[..], &mut back, Limits::of_file(file.len() as u64)).unwrap();
    assert!(back == file);
    assert_eq!(tally.form_bytes, form.len() as u64);
    (tally.remade, groups)
}

#[test]
fn every_level() {
    let content = text(20_000);
    for level in 1..=9 {
        assert_eq!(round_trip(&gzip(&content, level)), (1, 1), "level {level}");
    }
    // Level 0 stores, which is made by no level that is tried.
    assert_eq!(round_trip(&gzip(&content, 0)).0, 0);
}

#[test]
fn members_headers_and_garbage() {
    let (a, b) = (gzip(&text(3000), 6), gzip(&text(900), 9));
    assert_eq!(round_trip(&[&a[..], &b].concat()).0, 2);
    assert_eq!(round_trip(&[&a[..], b"garbage behind it"].concat()).0, 1);
    assert_eq!(round_trip(&gzip(b"", 6)).0, 1);
    let header = GzBuilder::new().filename("name").comment("comment").extra(vec![1; 300]).mtime(9);
    let mut encoder = header.write(Vec::new(), Compression::new(5));
    encoder.write_all(&text(500)).unwrap();
    assert_eq!(round_trip(&encoder.finish().unwrap()).0, 1);
    // A member that nothing gives, between two others.
    let stored = gzip(&text(100), 0);
    assert_eq!(round_trip(&[&a[..], &stored, &b].concat()).0, 2);
}

#[test]
fn cut_and_damaged_files_come_back() {
    let file = gzip(&text(2000), 6);
    for end in (0..file.len()).step_by(997).chain([1, 2, 3, 9, 10, 11, file.len() - 1]) {
        if packed(&file[..end]).is_some() {
            round_trip(&file[..end]);
        }
    }
    for at in (0..file.len()).step_by(file.len() / 60) {
        let mut damaged = file.clone();
        damaged[at] ^= 4;
        if packed(&damaged).is_some() {
            round_trip(&damaged);
        }
    }
}

#[test]
fn contents_of_several_groups() {
    let line = text(1 << 14);
    let mut content = line.repeat((2 * form::GROUP) as usize / line.len() + 1);
    // A part that ends with the content, and the stream behind it.
    content.truncate(2 * form::GROUP as usize);
    assert_eq!(round_trip(&gzip(&content, 1)), (1, 3));
    content.extend(b"a little more");
    let two = [gzip(&content, 3), gzip(b"another", 3)].concat();
    assert_eq!(round_trip(&two), (2, 3));
}

#[test]
fn streams_out_of_order_are_refused() {
    let (form, ..) = packed(&gzip(&text(100), 6)).unwrap();
    let mut errors = 0;
    for bit in 0..8 * 40 {
        let mut damaged = form.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        errors +=
            usize::from(unpack(&damaged[..], std::io::sink(), Limits::of_file(1 << 20)).is_err());
    }
    assert!(errors > 50, "{errors}");
    // A part that does not end, a second one that starts before the first has ended, one that never started.
    for parts in [&[1u8][..], &[1, 1], &[0], &[2], &[3, 2], &[4]] {
        let mut recipe = Vec::new();
        for ends in parts {
            recipe.extend([form::STREAM, *ends]);
            if ends & form::FIRST != 0 {
                recipe.push(6);
            }
            // No bytes of column 0.
            recipe.extend([0, 0]);
        }
        let mut form = Vec::new();
        for n in [recipe.len() as u64, 0, 1] {
            form::put(&mut form, n);
        }
        form.extend([1, 0]);
        form.extend(&recipe);
        let made = unpack(&form[..], std::io::sink(), Limits::of_file(1 << 20));
        assert!(matches!(made, Err(RemakeError::Corruption(_))), "{parts:?}: {made:?}");
    }
}
