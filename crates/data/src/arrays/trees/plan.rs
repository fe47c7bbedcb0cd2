//! Which columns of a table lie together, and the names of the arrays they make.

use super::record::{number_dtype, record};
use super::{Part, Planned, Table, depth};
use crate::arrays::ArrayInfo;
use crate::root::layout::{Layout, Shape};
use std::collections::{HashMap, HashSet};
use vxc_tokens::layout::Kind;

/// What makes columns belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Together {
    /// One record an entry.
    Entries,
    /// Counted by a branch.
    Counter(String),
    /// By an index column.
    Index(Vec<usize>),
    /// Alone.
    Alone(usize),
}

impl Table {
    fn together(&self, column: usize, layout: &Layout) -> Together {
        match (self, layout.shape) {
            (_, Shape::Fixed) => Together::Entries,
            (_, shape) if depth(shape) > 1 => Together::Alone(column),
            (Table::Tree(tree), _) => {
                let counter = tree.branches.get(column).and_then(|b| b.counts.as_ref());
                counter.map_or(Together::Alone(column), |c| Together::Counter(c.path.clone()))
            }
            (Table::NTuple(ntuple), _) => {
                let index = ntuple.columns.get(column).and_then(|c| c.indices.first());
                index.map_or(Together::Alone(column), |i| Together::Index(i.clone()))
            }
        }
    }

    /// Groups and branches of no numbers are no columns that one could miss.
    fn is_column(&self, column: usize) -> bool {
        match self {
            Table::Tree(tree) => tree.branches.get(column).is_some_and(|b| !b.baskets.is_empty()),
            Table::NTuple(_) => true,
        }
    }
}

/// Adds the arrays of a table.
pub(super) fn plan(
    table: &Table,
    number: usize,
    arrays: &mut Vec<Planned>,
    infos: &mut Vec<ArrayInfo>,
    refused: &mut Vec<(String, String)>,
    taken: &mut HashSet<String>,
) {
    let columns = table.columns();
    let mut groups: Vec<(Together, Vec<usize>)> = Vec::new();
    let mut by_key: HashMap<Together, usize> = HashMap::new();
    for (at, (path, entries, layout)) in columns.iter().enumerate() {
        let layout = match layout {
            Ok(layout) => layout,
            Err(why) if table.is_column(at) => {
                refused.push((format!("{}/{path}", table.path()), why.clone()));
                continue;
            }
            Err(_) => continue,
        };
        let mut together = table.together(at, layout);
        if *entries != table.entries() {
            together = Together::Alone(at);
        }
        let next = groups.len();
        let group = *by_key.entry(together.clone()).or_insert(next);
        match groups.get_mut(group) {
            Some((_, columns)) => columns.push(at),
            None => groups.push((together, vec![at])),
        }
    }
    for (together, group) in groups {
        let names: Vec<&str> = group.iter().filter_map(|&at| Some(columns.get(at)?.0)).collect();
        let layouts: Vec<&Layout> = group.iter().filter_map(|&at| table.layout(at)).collect();
        let Some(first) = layouts.first() else { continue };
        let name = match &together {
            Together::Entries => String::new(),
            _ => common(&names),
        };
        let wanted =
            if name.is_empty() { table.path().into() } else { format!("{}/{name}", table.path()) };
        let path = unique(wanted, taken);
        let depth = depth(first.shape);
        let entries = group.first().and_then(|&at| columns.get(at)).map_or(0, |column| column.1);
        for level in 0..depth {
            let suffix = if level == 0 { String::new() } else { level.to_string() };
            infos.push(ArrayInfo {
                path: unique(format!("{path}.lengths{suffix}"), taken),
                dtype: number_dtype(Kind::U32),
                shape: if level == 0 { vec![entries] } else { Vec::new() },
                fortran_order: false,
                lengths: level.checked_sub(1).map(|outer| lengths_path(&path, outer)),
            });
            let columns = group.iter().take(1).copied().collect();
            arrays.push(Planned { table: number, columns, part: Part::Lengths(level) });
        }
        infos.push(ArrayInfo {
            dtype: record(&names, &layouts),
            shape: if depth == 0 { vec![entries] } else { Vec::new() },
            fortran_order: false,
            lengths: depth.checked_sub(1).map(|inner| lengths_path(&path, inner)),
            path,
        });
        arrays.push(Planned { table: number, columns: group, part: Part::Values });
    }
}

fn lengths_path(path: &str, level: usize) -> String {
    let suffix = if level == 0 { String::new() } else { level.to_string() };
    format!("{path}.lengths{suffix}")
}

/// What names begin with, without a separator at its end; the first name where that is nothing.
fn common(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    let mut shared = first.len();
    for name in rest {
        let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        shared = shared.min(same);
    }
    while !first.is_char_boundary(shared) {
        shared = shared.saturating_sub(1);
    }
    let prefix = first.get(..shared).unwrap_or_default();
    let whole = names.iter().all(|name| {
        name.len() == shared
            || name.get(shared..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let prefix = if whole {
        prefix
    } else {
        // Not the middle of a word.
        prefix.rfind(['_', '.', '/']).map_or("", |end| prefix.get(..end).unwrap_or_default())
    };
    let prefix = prefix.trim_end_matches(['_', '.', '/']);
    if prefix.is_empty() { (*first).to_owned() } else { prefix.to_owned() }
}

fn unique(wanted: String, taken: &mut HashSet<String>) -> String {
    let mut path = wanted.clone();
    let mut n = 1u32;
    while !taken.insert(path.clone()) {
        n = n.saturating_add(1);
        path = format!("{wanted}~{n}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn names_of_groups() {
        for (names, wanted) in [
            (&["Jet_pt", "Jet_eta"][..], "Jet"),
            (&["Jet_pt", "JetAK8_eta"], "Jet_pt"),
            (&["jets.pt", "jets.phi"], "jets"),
            (&["px1", "px2"], "px1"),
            (&["Muon_Px"], "Muon_Px"),
            (&["a", "b"], "a"),
            (&[], ""),
        ] {
            assert_eq!(common(names), wanted, "{names:?}");
        }
    }
}
