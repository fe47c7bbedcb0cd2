//! `data columns`: the tables of a file and their columns.

use std::fmt::Write as _;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vxc_data::format::{self, Format};
use vxc_data::hdf5::Hdf5File;
use vxc_data::npy::NpzArchive;
use vxc_data::root::RootFile;
use vxc_data::{Column, DataError, Limits, Table, npy};

use crate::batch::{Sizes, each};
use crate::console::{Console, Shown, print, ratio};
use crate::failure::Failure;
use crate::input::{is_pipe, open_file};

/// Everything that is known of a file.
#[derive(Debug, Serialize)]
struct Report {
    /// The file as given; bytes that are not UTF-8 are replaced.
    file: String,
    file_bytes: u64,
    tables: Vec<TableReport>,
}

#[derive(Debug, Serialize)]
struct TableReport {
    path: String,
    form: &'static str,
    entries: u64,
    /// Why the table cannot be read.
    refused: Option<String>,
    columns: Vec<ColumnReport>,
}

#[derive(Debug, Serialize)]
struct ColumnReport {
    path: String,
    /// Type of the values; none where they cannot be read.
    r#type: Option<String>,
    /// Type as the file calls it.
    declared: Option<String>,
    entries: u64,
    /// Baskets, pages or chunks.
    pieces: u64,
    file_bytes: u64,
    content_bytes: u64,
    compression: String,
    /// Why the column cannot be read.
    refused: Option<String>,
}

/// Lists the files and gives the exit code.
///
/// # Errors
/// If the list cannot be written.
pub fn run(files: &[PathBuf], json: bool, console: &Console) -> Result<u8, Failure> {
    let mut reports = Vec::new();
    let code = each(files, console, None, |name| {
        let report = report(name)?;
        if json {
            reports.push(report);
        } else {
            print(&text(&report, name, console.verbose()))?;
        }
        Ok(Sizes::default())
    });
    if json {
        let text = serde_json::to_string_pretty(&reports)
            .map_err(|e| Failure::Io("cannot write".into(), e.into()))?;
        match print(&(text + "\n")) {
            Err(Failure::Closed) => {}
            written => written?,
        }
    }
    Ok(code)
}

fn report(name: &Path) -> Result<Report, Failure> {
    if is_pipe(name) {
        return Err(Failure::usage("is a pipe: columns lie all over a file"));
    }
    let (file, meta) = open_file(name)?;
    let mut file = BufReader::new(file);
    let tables = match format::detect(&mut file)? {
        Some(Format::Hdf5) => Hdf5File::open(file)?.tables()?,
        Some(Format::Npz) => NpzArchive::open(file)?.tables()?,
        Some(Format::Npy) => vec![npy::array::table(&mut file, meta.len(), &Limits::default())?],
        Some(Format::Root) => RootFile::open(file)?.tables()?,
        None => {
            return Err(Failure::from(DataError::Corruption(
                "no file of a known format (ROOT, HDF5, NumPy)".into(),
            )));
        }
    };
    let tables = tables.into_iter().map(TableReport::from).collect();
    Ok(Report { file: name.to_string_lossy().into_owned(), file_bytes: meta.len(), tables })
}

impl From<Table> for TableReport {
    fn from(table: Table) -> Self {
        Self {
            path: table.path,
            form: table.form,
            entries: table.entries,
            refused: table.refused,
            columns: table.columns.into_iter().map(ColumnReport::from).collect(),
        }
    }
}

impl From<Column> for ColumnReport {
    fn from(column: Column) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            path: column.path,
            r#type: some(column.kind),
            declared: some(column.declared),
            entries: column.entries,
            pieces: column.pieces,
            file_bytes: column.stored_bytes,
            content_bytes: column.raw_bytes,
            compression: column.compression,
            refused: column.refused,
        }
    }
}

/// The report for people. Columns that cannot be read are counted, and named only on request.
fn text(report: &Report, name: &Path, verbose: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {} bytes", Shown(name), report.file_bytes);
    for table in &report.tables {
        let _ = write!(out, "\n{} {}: ", table.form, printable(&table.path));
        if let Some(why) = &table.refused {
            let _ = writeln!(out, "not read: {}", printable(why));
            continue;
        }
        let (stored, raw) = table.columns.iter().fold((0u64, 0u64), |(stored, raw), column| {
            (stored.saturating_add(column.file_bytes), raw.saturating_add(column.content_bytes))
        });
        let _ = writeln!(
            out,
            "{} entries, {} columns, {stored} bytes of {raw}",
            table.entries,
            table.columns.len()
        );
        let shown = |column: &&ColumnReport| verbose || column.refused.is_none();
        let rows: Vec<[String; 7]> = table.columns.iter().filter(shown).map(row).collect();
        out.push_str(&aligned(&rows));
        let hidden = table.columns.len().saturating_sub(rows.len());
        if hidden > 0 {
            let columns = if hidden == 1 { "column holds" } else { "columns hold" };
            let _ = writeln!(out, "  {hidden} {columns} no numbers that are read (-v tells)");
        }
    }
    out
}

const HEAD: [&str; 7] = ["Column", "Type", "Pieces", "Bytes", "Content", "Ratio", "Compression"];

fn row(column: &ColumnReport) -> [String; 7] {
    let kind = match (&column.r#type, &column.refused) {
        (Some(kind), _) => kind.clone(),
        (None, Some(why)) => format!("not read: {why}"),
        (None, None) => String::new(),
    };
    [
        printable(&column.path),
        printable(&kind),
        column.pieces.to_string(),
        column.file_bytes.to_string(),
        column.content_bytes.to_string(),
        format!("{:.3}", ratio(column.content_bytes, column.file_bytes)),
        column.compression.clone(),
    ]
}

/// Rows under a head, texts to the left and numbers to the right.
fn aligned(rows: &[[String; 7]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        let head = HEAD.get(at).map_or(0, |head| head.len());
        // A long list of members must not push the numbers of all rows away.
        cells.max().unwrap_or(0).clamp(head, 48)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut line = |cells: &[&str]| {
        let mut text = String::from(" ");
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let _ = match at {
                0 | 1 | 6 => write!(text, " {cell:<width$} "),
                _ => write!(text, " {cell:>width$} "),
            };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&HEAD);
    for row in rows {
        line(&row.each_ref().map(String::as_str));
    }
    out
}

/// Names come from the file: what would move the cursor is replaced.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
