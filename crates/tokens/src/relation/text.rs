//! Predictors in words.

use std::fmt::{self, Display};

use super::formula::{Eval, Formula};
use super::linear::{Link, basis_text};
use super::{Function, Predictor};

impl Predictor {
    /// The right-hand side of the relation for people, such as `hypot(mass, pt)`. Fields without a name
    /// appear as `#index`. Names may be anything and occur often: the text is made as it is written.
    pub fn describe<'a, S: AsRef<str>>(&'a self, names: &'a [S]) -> impl Display + 'a {
        Words { predictor: self, names }
    }
}

struct Words<'a, S> {
    predictor: &'a Predictor,
    names: &'a [S],
}

/// A field's name, or its number.
struct Name<'a>(&'a str, u16);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => write!(f, "#{}", self.1),
            name => f.write_str(name),
        }
    }
}

impl<S: AsRef<str>> Words<'_, S> {
    fn name(&self, field: u16) -> Name<'_> {
        Name(self.names.get(usize::from(field)).map_or("", AsRef::as_ref), field)
    }

    fn formula(
        &self,
        f: &mut fmt::Formatter<'_>,
        text: &str,
        sources: &[u16],
        constants: &[u64],
    ) -> fmt::Result {
        let c: Vec<f64> = constants.iter().map(|&c| f64::from_bits(c)).collect();
        match c[..] {
            [] => self.filled(f, text, sources),
            [c, ref more @ ..] => {
                write!(f, "{c} × (")?;
                self.filled(f, text, sources)?;
                f.write_str(")")?;
                more.first().map_or(Ok(()), |d| write!(f, " + {d}"))
            }
        }
    }

    /// A formula's text with names for its letters. What is a letter in a name stays one.
    fn filled(&self, f: &mut fmt::Formatter<'_>, text: &str, sources: &[u16]) -> fmt::Result {
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (letter, after) = behind.split_once('}').unwrap_or((behind, ""));
            f.write_str(before)?;
            match "abcde".find(letter).and_then(|i| sources.get(i)) {
                Some(&s) => self.name(s).fmt(f)?,
                None => write!(f, "{{{letter}}}")?,
            }
            rest = after;
        }
        f.write_str(rest)
    }

    fn weighted(
        &self,
        f: &mut fmt::Formatter<'_>,
        sources: &[u16],
        constants: &[u64],
    ) -> fmt::Result {
        let c: Vec<f64> = constants.iter().map(|&c| f64::from_bits(c)).collect();
        for (i, (&s, &c)) in sources.iter().zip(&c).enumerate() {
            f.write_str(match (i, c < 0.0) {
                (0, false) => "",
                (0, true) => "- ",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            if c.abs() != 1.0 {
                write!(f, "{} × ", c.abs())?;
            }
            self.name(s).fmt(f)?;
        }
        match c.last() {
            Some(&d) if d != 0.0 => write!(f, " + {d}"),
            _ => Ok(()),
        }
    }
}

impl<S: AsRef<str>> Display for Words<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.predictor.function {
            Function::Formula { id, sources, constants } => match Formula::get(*id) {
                None => return f.write_str("?"),
                Some(formula) if matches!(formula.eval, Eval::Weighted | Eval::Whole) => {
                    self.weighted(f, sources, constants)?;
                }
                Some(formula) => self.formula(f, formula.text, sources, constants)?,
            },
            Function::Linear(l) => {
                f.write_str(match l.link {
                    Link::Identity => "~ ",
                    Link::Exp => "~ exp(",
                    Link::Sqrt => "~ sqrt(",
                })?;
                for (i, (term, &c)) in l.terms.iter().zip(&l.coefficients).enumerate() {
                    let plus = if i > 0 { " + " } else { "" };
                    write!(f, "{plus}{:.6e}", f64::from_bits(c))?;
                    for (&b, &s) in term.iter().zip(&l.sources) {
                        if b != 0 {
                            f.write_str(" ")?;
                            basis_text(f, b, &self.name(s))?;
                        }
                    }
                }
                f.write_str(if matches!(l.link, Link::Identity) { "" } else { ")" })?;
            }
            Function::Lookup { source, table } => {
                write!(f, "table[{}] of {} entries", self.name(*source), table.len())?;
            }
        }
        match self.predictor.quantum {
            0 => Ok(()),
            bits => write!(f, ", rounded by {bits} bits"),
        }
    }
}
