//! Event records as text, in the manner of HepMC3's ASCII format.

use std::fmt::Write as _;

use super::rng::Rng;

/// Particle ids, the most frequent first.
const IDS: [i32; 8] = [22, 211, -211, 130, 321, -321, 2212, 11];

/// At least `bytes` bytes of text, up to the end of an event.
pub fn text_events(seed: u64, bytes: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut out = String::from("HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n");
    let mut event = 0;
    while out.len() < bytes {
        one_event(&mut rng, event, &mut out);
        event += 1;
    }
    out.push_str("HepMC::Asciiv3-END_EVENT_LISTING\n");
    out.into_bytes()
}

fn one_event(rng: &mut Rng, event: u32, out: &mut String) {
    let particles = 20 + rng.below(60);
    let vertices = particles / 4;
    // Writing to a string cannot fail.
    let _ = writeln!(out, "E {event} {vertices} {particles}\nU GEV MM");
    let mut vertex = 0;
    for i in 1..=particles {
        if i % 4 == 1 {
            vertex += 1;
            let _ = writeln!(out, "V -{vertex} 0 [{}]", (i / 2).max(1));
        }
        let id = IDS[rng.below(8).min(rng.below(8)) as usize];
        let mass: f64 = match id.abs() {
            22 => 0.0,
            11 => 5.109_989_5e-4,
            2212 => 9.382_720_8e-1,
            130 => 4.976_11e-1,
            321 => 4.936_77e-1,
            _ => 1.395_701_8e-1,
        };
        let (px, py, pz) = (rng.normal() * 0.9, rng.normal() * 0.9, rng.normal() * 40.0);
        let energy = (mass * mass + px * px + py * py + pz * pz).sqrt();
        let _ = write!(out, "P {i} -{vertex} {id}");
        for x in [px, py, pz, energy, mass] {
            out.push(' ');
            scientific(x, out);
        }
        let _ = writeln!(out, " {}", 1 + rng.below(2));
    }
}

/// `x` as C's `%.16e` prints it.
fn scientific(x: f64, out: &mut String) {
    let text = format!("{x:.16e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs());
}
