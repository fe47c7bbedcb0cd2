//! Tables in Markdown that also read well in a terminal.

/// A table: the first column to the left, the others to the right.
#[derive(Clone, Debug)]
pub struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these heads.
    pub fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|&h| h.to_owned()).collect()] }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl std::fmt::Display for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let heads = self.rows.first().map_or(0, Vec::len);
        let cell = |row: &[String], i: usize| row.get(i).cloned().unwrap_or_default();
        let widths: Vec<usize> = (0..heads)
            .map(|i| self.rows.iter().map(|r| cell(r, i).chars().count()).max().unwrap_or(0).max(3))
            .collect();
        for (n, row) in self.rows.iter().enumerate() {
            for (i, &w) in widths.iter().enumerate() {
                match i {
                    0 => write!(f, "| {:<w$} ", cell(row, i))?,
                    _ => write!(f, "| {:>w$} ", cell(row, i))?,
                }
            }
            writeln!(f, "|")?;
            if n == 0 {
                for (i, &w) in widths.iter().enumerate() {
                    let end = if i == 0 { "-" } else { ":" };
                    write!(f, "|{}{end}", "-".repeat(w + 1))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// A number with groups of three digits.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A speed in MB/s with three digits.
pub fn rate(mb_per_s: f64) -> String {
    match mb_per_s {
        x if x >= 100.0 => format!("{x:.0}"),
        x if x >= 10.0 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let mut grid = Grid::new(&["name", "bytes"]);
        grid.row(vec!["a".into(), grouped(1_234_567)]);
        grid.row(vec!["longer".into()]);
        let text = grid.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| name   |     bytes |");
        assert_eq!(lines[1], "|--------|----------:|");
        assert_eq!(lines[2], "| a      | 1,234,567 |");
        assert!(lines.iter().all(|l| l.len() == lines[0].len()));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_000_000].map(grouped), ["0", "999", "1,000", "1,000,000"]);
    }
}
