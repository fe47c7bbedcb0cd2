//! Predictors in words.

use super::formula::{Eval, Formula};
use super::linear::{Link, basis_text};
use super::{Function, Predictor};

impl Predictor {
    /// The right-hand side of the relation for people, such as `hypot(mass, pt)`. Fields without a name
    /// appear as `#index`.
    pub fn describe(&self, names: &[String]) -> String {
        let name = |f: u16| match names.get(usize::from(f)) {
            Some(n) if !n.is_empty() => n.clone(),
            _ => format!("#{f}"),
        };
        let text = match &self.function {
            Function::Formula { id, sources, constants } => {
                let Some(formula) = Formula::get(*id) else { return "?".into() };
                let c: Vec<f64> = constants.iter().map(|&c| f64::from_bits(c)).collect();
                if matches!(formula.eval, Eval::Weighted | Eval::Whole) {
                    weighted(&sources.iter().map(|&s| name(s)).collect::<Vec<_>>(), &c)
                } else {
                    let mut text = formula.text.to_string();
                    for (letter, &s) in ["{a}", "{b}", "{c}", "{d}", "{e}"].iter().zip(sources) {
                        text = text.replace(letter, &name(s));
                    }
                    match c[..] {
                        [] => text,
                        [c] => format!("{c} × ({text})"),
                        [c, d, ..] => format!("{c} × ({text}) + {d}"),
                    }
                }
            }
            Function::Linear(l) => {
                let terms: Vec<String> = l
                    .terms
                    .iter()
                    .zip(&l.coefficients)
                    .map(|(term, &c)| {
                        let mut text = format!("{:.6e}", f64::from_bits(c));
                        for (&b, &s) in term.iter().zip(&l.sources) {
                            if b != 0 {
                                text.push(' ');
                                text.push_str(&basis_text(b, &name(s)));
                            }
                        }
                        text
                    })
                    .collect();
                let sum = terms.join(" + ");
                match l.link {
                    Link::Identity => format!("~ {sum}"),
                    Link::Exp => format!("~ exp({sum})"),
                    Link::Sqrt => format!("~ sqrt({sum})"),
                }
            }
            Function::Lookup { source, table } => {
                format!("table[{}] of {} entries", name(*source), table.len())
            }
        };
        if self.quantum > 0 { format!("{text}, rounded by {} bits", self.quantum) } else { text }
    }
}

fn weighted(names: &[String], c: &[f64]) -> String {
    let mut text = String::new();
    for (name, &c) in names.iter().zip(c) {
        let sign = if c < 0.0 { "-" } else { "+" };
        if !text.is_empty() || c < 0.0 {
            text.push_str(&format!(" {sign} "));
        }
        if c.abs() != 1.0 {
            text.push_str(&format!("{} × ", c.abs()));
        }
        text.push_str(name);
    }
    match c.last() {
        Some(&d) if d != 0.0 => format!("{} + {d}", text.trim()),
        _ => text.trim().to_string(),
    }
}
