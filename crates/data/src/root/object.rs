//! A decoded object: the values of a class's members, found by name.

use crate::error::DataError;
use crate::root::basket::EmbeddedBasket;
use crate::root::streamer::StreamerInfo;
use std::sync::Arc;

/// The value of one member.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Not decoded, because nothing needs it.
    Skipped,
    /// A pointer to nothing.
    Null,
    /// A pointer to an object written elsewhere, by its reference.
    Reference(u64),
    /// Integers, and booleans; unsigned 64-bit numbers by their bits.
    Int(i64),
    /// A fixed or counted array of them.
    Ints(Vec<i64>),
    /// Floats, single or double.
    Float(f64),
    /// A `TString`.
    Text(String),
    /// `TNamed`.
    Named(String, String),
    /// A class, as a base, a member or behind a pointer.
    Object(Box<Object>),
    /// `TObjArray`.
    List(Vec<Value>),
    /// A `TBasket` written with its branch.
    Basket(Box<EmbeddedBasket>),
}

/// An object: values in the order of the class's elements; fewer where the rest was not decoded.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub info: Arc<StreamerInfo>,
    pub values: Vec<Value>,
}

impl Object {
    /// A member of this class, or of a base.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let own = || self.info.elements.iter().zip(&self.values);
        own().find(|(element, _)| element.name == name).map(|(_, value)| value).or_else(|| {
            own().filter(|(element, _)| element.kind == 0).find_map(|(_, value)| match value {
                Value::Object(base) => base.get(name),
                _ => None,
            })
        })
    }

    /// A base class, this one included, and the bases of bases.
    pub fn base(&self, class: &str) -> Option<&Object> {
        if self.info.class == class {
            return Some(self);
        }
        let bases = self.info.elements.iter().zip(&self.values).filter(|(e, _)| e.kind == 0);
        bases.into_iter().find_map(|(_, value)| match value {
            Value::Object(base) => base.base(class),
            _ => None,
        })
    }

    /// Name and title, from the base `TNamed`.
    pub fn named(&self) -> Option<(&str, &str)> {
        self.values.iter().find_map(|value| match value {
            Value::Named(name, title) => Some((name.as_str(), title.as_str())),
            Value::Object(base) => base.named(),
            _ => None,
        })
    }

    fn missing(&self, name: &str) -> DataError {
        DataError::unsupported(format!(
            "{} version {} without {name}",
            self.info.class, self.info.version
        ))
    }

    /// An integer member.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] where the class has none of that name, here and below.
    pub fn int(&self, name: &str) -> Result<i64, DataError> {
        match self.get(name) {
            Some(Value::Int(n)) => Ok(*n),
            Some(Value::Float(f)) if f.fract() == 0.0 && f.abs() < 9e15 => {
                // Trees of ROOT 3 count their entries in doubles; the range is checked above.
                #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
                Ok(*f as i64)
            }
            _ => Err(self.missing(name)),
        }
    }

    /// An integer member that must not be negative.
    pub fn count(&self, name: &str) -> Result<u64, DataError> {
        let n = self.int(name)?;
        u64::try_from(n)
            .map_err(|_| DataError::corrupt(format!("{} of {}: {n}", name, self.info.class)))
    }

    /// An array member.
    pub fn ints(&self, name: &str) -> Result<&[i64], DataError> {
        match self.get(name) {
            Some(Value::Ints(all)) => Ok(all),
            _ => Err(self.missing(name)),
        }
    }

    /// A text member.
    pub fn text(&self, name: &str) -> Result<&str, DataError> {
        match self.get(name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(self.missing(name)),
        }
    }

    /// A member that is a list of objects.
    pub fn list(&self, name: &str) -> Result<&[Value], DataError> {
        match self.get(name) {
            Some(Value::List(all)) => Ok(all),
            _ => Err(self.missing(name)),
        }
    }
}
