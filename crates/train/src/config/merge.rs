//! Defaults, then a YAML file, then `key=value` overrides; each key must exist among the defaults.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::TrainError;

/// The defaults with everything else applied.
///
/// # Errors
/// [`TrainError::Config`] for bad YAML, unknown keys and values that do not fit.
pub fn merged(defaults: &Config, yaml: &str, overrides: &[String]) -> Result<Config, TrainError> {
    let mut all = as_value(defaults)?;
    if !yaml.trim().is_empty() {
        overlay(&mut all, read_yaml(yaml)?, "")?;
    }
    for given in overrides {
        let (key, value) = given
            .split_once('=')
            .ok_or_else(|| TrainError::Config(format!("{given}: expected key=value")))?;
        let path = resolve(&all, key.trim())?;
        let mut value = read_yaml(value)?;
        // A list may be given as one value.
        for part in path.iter().rev() {
            value = Value::Object(Map::from_iter([(part.clone(), value)]));
        }
        overlay(&mut all, value, "")?;
    }
    serde_json::from_value(all).map_err(|e| TrainError::Config(e.to_string()))
}

fn as_value(config: &Config) -> Result<Value, TrainError> {
    serde_json::to_value(config).map_err(|e| TrainError::Config(e.to_string()))
}

fn read_yaml(text: &str) -> Result<Value, TrainError> {
    serde_saphyr::from_str(text).map_err(|e| TrainError::Config(format!("not YAML: {e}")))
}

/// Puts `new` over `base`, whose keys are all that may occur.
fn overlay(base: &mut Value, new: Value, prefix: &str) -> Result<(), TrainError> {
    match (base, new) {
        (Value::Object(base), Value::Object(new)) => {
            for (key, value) in new {
                let full = format!("{prefix}{key}");
                let Some(slot) = base.get_mut(&key) else {
                    let known = base.keys().map(|k| format!("{prefix}{k}"));
                    return Err(unknown(&full, known));
                };
                overlay(slot, value, &format!("{full}."))?;
            }
            Ok(())
        }
        // An empty section.
        (Value::Object(_), Value::Null) => Ok(()),
        (Value::Object(_), _) => Err(TrainError::Config(format!(
            "{}: a section, not a value",
            prefix.trim_end_matches('.')
        ))),
        (Value::Array(slot), Value::Array(new)) => {
            *slot = new;
            Ok(())
        }
        (Value::Array(slot), one) => {
            *slot = vec![one];
            Ok(())
        }
        (slot, new) => {
            let fits = match &*slot {
                Value::Bool(_) => new.is_boolean(),
                Value::Number(n) if n.is_f64() => new.is_number(),
                Value::Number(_) => new.is_u64(),
                Value::String(_) => new.is_string(),
                _ => true,
            };
            if !fits {
                let key = prefix.trim_end_matches('.');
                return Err(TrainError::Config(format!("{key}: {new} is not like {slot}")));
            }
            *slot = new;
            Ok(())
        }
    }
}

/// The full path of a key.
fn resolve(all: &Value, key: &str) -> Result<Vec<String>, TrainError> {
    if key.contains('.') {
        return Ok(key.split('.').map(str::to_string).collect());
    }
    let sections = all.as_object().into_iter().flatten();
    let mut known = Vec::new();
    let mut found = Vec::new();
    for (section, keys) in sections {
        for name in keys.as_object().into_iter().flat_map(Map::keys) {
            known.push(name.clone());
            if name == key {
                found.push(vec![section.clone(), name.clone()]);
            }
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (Some(_), false) => {
            Err(TrainError::Config(format!("{key}: several sections have it; say which")))
        }
        (None, _) => Err(unknown(key, known.into_iter())),
    }
}

fn unknown(key: &str, known: impl Iterator<Item = String>) -> TrainError {
    let nearest = known
        .map(|k| (strsim::damerau_levenshtein(&k, key), k))
        .min()
        .map_or(String::new(), |(_, k)| format!("; did you mean {k}?"));
    TrainError::Config(format!("unknown key {key}{nearest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Preset, Symbols};

    fn parse(yaml: &str, set: &[&str]) -> Result<Config, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        Config::parse(yaml, &set).map_err(|e| e.to_string())
    }

    #[test]
    fn file_then_overrides() {
        let yaml = "model:\n  d_model: 64\n  n_heads: 4\n  preset: record\ntraining:\n  lr: 3e-3\n";
        let c =
            parse(yaml, &["lr=1e-3", "model.n_layers=2", "train=a.bin", "symbols=bytes"]).unwrap();
        assert_eq!((c.model.d_model, c.model.n_layers, c.model.d_ff), (64, 2, 2048));
        assert_eq!((c.training.lr, c.model.preset), (1e-3, Preset::Record));
        assert_eq!((c.data.train.len(), c.data.symbols), (1, Symbols::Bytes));
        assert_eq!(parse(&c.to_yaml().unwrap(), &[]).unwrap(), c);
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let error = parse("model:\n  d_modle: 64\n", &[]).unwrap_err();
        assert_eq!(error, "unknown key model.d_modle; did you mean model.d_model?");
        let error = parse("", &["warm_up=3"]).unwrap_err();
        assert_eq!(error, "unknown key warm_up; did you mean warmup?");
        assert!(parse("modle: {}\n", &[]).unwrap_err().contains("did you mean model?"));
    }

    #[test]
    fn wrong_values_are_told() {
        for (yaml, set, part) in [
            ("model: 3\n", "", "a section"),
            ("model:\n  d_model: big\n", "", "model.d_model"),
            ("", "n_heads=7", "n_heads must divide d_model"),
            ("", "lr", "expected key=value"),
            ("", "preset=records", "unknown variant"),
            ("", "batch_size=-1", "batch_size"),
            ("a: [", "", "not YAML"),
        ] {
            let set: Vec<&str> = if set.is_empty() { vec![] } else { vec![set] };
            let error = parse(yaml, &set).unwrap_err();
            assert!(error.contains(part), "{yaml:?} {set:?}: {error}");
        }
    }
}
