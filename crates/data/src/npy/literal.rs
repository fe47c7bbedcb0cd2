//! Python literals, as far as headers have them: texts, whole numbers, booleans, tuples, lists, dictionaries.
//!
//! Strict: anything else is an error, and nothing may follow. Nesting is bounded by the caller's depth.

use crate::error::DataError;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number(u64),
    Bool(bool),
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
}

/// Parses a whole text.
///
/// # Errors
/// [`DataError::Corruption`].
pub(super) fn parse(text: &str, depth: u32) -> Result<Literal, DataError> {
    let mut parser = Parser { rest: text };
    let found = parser.value(depth)?;
    parser.space();
    if parser.rest.is_empty() { Ok(found) } else { Err(parser.wrong("something follows")) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn wrong(&self, what: &str) -> DataError {
        let near: String = self.rest.chars().take(20).collect();
        DataError::corrupt(format!("header: {what} at {near:?}"))
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn character(&mut self) -> Option<char> {
        let mut all = self.rest.chars();
        let found = all.next();
        self.rest = all.as_str();
        found
    }

    fn value(&mut self, depth: u32) -> Result<Literal, DataError> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.wrong("nested too deeply"))?;
        self.space();
        match self.rest.chars().next() {
            Some('\'' | '"') => self.text().map(Literal::Text),
            Some('0'..='9') => self.number(),
            Some('(') => {
                self.character();
                let (mut items, comma) = self.items(")", depth)?;
                // A value in parentheses is that value.
                match (items.len(), comma) {
                    (1, false) => items.pop().ok_or_else(|| self.wrong("nothing")),
                    _ => Ok(Literal::Tuple(items)),
                }
            }
            Some('[') => {
                self.character();
                self.items("]", depth).map(|(items, _)| Literal::List(items))
            }
            Some('{') => {
                self.character();
                self.dict(depth)
            }
            _ if self.take("True") => Ok(Literal::Bool(true)),
            _ if self.take("False") => Ok(Literal::Bool(false)),
            _ => Err(self.wrong("no literal")),
        }
    }

    /// Values up to `end`, and whether a comma came last.
    fn items(&mut self, end: &str, depth: u32) -> Result<(Vec<Literal>, bool), DataError> {
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.space();
            if self.take(end) {
                return Ok((items, comma));
            }
            if !items.is_empty() && !comma {
                return Err(self.wrong("no comma"));
            }
            items.push(self.value(depth)?);
            self.space();
            comma = self.take(",");
        }
    }

    fn dict(&mut self, depth: u32) -> Result<Literal, DataError> {
        let (mut items, mut comma) = (Vec::new(), true);
        loop {
            self.space();
            if self.take("}") {
                return Ok(Literal::Dict(items));
            }
            if !comma {
                return Err(self.wrong("no comma"));
            }
            if !self.rest.starts_with(['\'', '"']) {
                return Err(self.wrong("no key"));
            }
            let key = self.text()?;
            self.space();
            if !self.take(":") {
                return Err(self.wrong("no colon"));
            }
            items.push((key, self.value(depth)?));
            self.space();
            comma = self.take(",");
        }
    }

    fn number(&mut self) -> Result<Literal, DataError> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let value = digits.parse().map_err(|_| self.wrong("too large a number"))?;
        // Python 2 marks long numbers.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Ok(Literal::Number(value))
    }

    fn text(&mut self) -> Result<String, DataError> {
        let quote = self.character();
        let mut out = String::new();
        loop {
            match self.character() {
                None | Some('\n') => return Err(self.wrong("a text without end")),
                found if found == quote => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                Some(other) => out.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DataError> {
        let digits = match self.character() {
            Some(same @ ('\\' | '\'' | '"')) => return Ok(same),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err(self.wrong("an unknown escape")),
        };
        let mut code = 0u32;
        for _ in 0..digits {
            let digit = self.character().and_then(|c| c.to_digit(16));
            let digit = digit.ok_or_else(|| self.wrong("an escape cut off"))?;
            code = code.wrapping_shl(4) | digit;
        }
        char::from_u32(code).ok_or_else(|| self.wrong("an escape of no character"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy() {
        let found = parse(
            "{'descr': [('a', '<f4', (2,)), (\"b\\u00e9\", '<i8')], 'shape': (3L,), 'x': ()}  \n",
            9,
        );
        let Literal::Dict(items) = found.unwrap() else { panic!() };
        assert_eq!(items[1], ("shape".into(), Literal::Tuple(vec![Literal::Number(3)])));
        assert_eq!(items[2], ("x".into(), Literal::Tuple(vec![])));
        let Literal::List(fields) = &items[0].1 else { panic!() };
        let Literal::Tuple(second) = &fields[1] else { panic!() };
        assert_eq!(second[0], Literal::Text("bé".into()));
        assert_eq!(parse("(7)", 3).unwrap(), Literal::Number(7));
    }

    #[test]
    fn nothing_else() {
        for text in [
            "",
            "{",
            "{'a' 1}",
            "{'a': 1 'b': 2}",
            "[1 2]",
            "-1",
            "1.5",
            "None",
            "f()",
            "'a",
            "'\\q'",
            "(1,,2)",
            "[,]",
            "{1: 2}",
            "1 1",
            "99999999999999999999999",
            "'\\x4'",
            "\u{e9}",
        ] {
            assert!(parse(text, 9).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000), 64).is_err());
    }
}
