//! How it was measured: commands, machine, clocks.

use super::headline::facts;
use super::text::{count, escape, escape_lines};
use crate::evaluation::Evaluation;
use crate::report::grouped;

/// The last section.
pub(super) fn section(evaluation: &Evaluation) -> String {
    let commands: String = evaluation
        .commands
        .iter()
        .map(|c| {
            let (what, line) = (escape(&c.what), escape_lines(&c.line));
            format!("<p class=\"what\">{what}</p>\n<pre><code>{line}</code></pre>\n")
        })
        .collect();
    let commands =
        if commands.is_empty() { "<p>No commands were recorded.</p>\n".into() } else { commands };
    let facts = facts(&[
        ("Program", escape(&evaluation.program)),
        ("Machine", escape(&evaluation.machine)),
        ("Rounds", grouped(evaluation.rounds as u64)),
    ]);
    format!(
        "<section id=\"methods\">\n<h2>How this was measured</h2>\n{facts}\
         <h3>Ratios</h3>\n<p>A ratio is raw bytes to the bytes of the whole coded file, with headers and \
         checksums. Every coded file was decompressed and compared with the original; the column Lossless \
         says whether it was the same.</p>\n\
         <h3>Speeds</h3>\n<p>A speed is raw bytes to time, in MB/s (10<sup>6</sup> bytes a second), and the \
         median of {}; in each round all contenders run one after the other, so that what slows the machine \
         down meets all. CPU is the processor time of all threads together: other programs on the machine \
         move it less than the wall clock. Wall is what a user waits for. Speeds depend on the machine, \
         ratios do not.</p>\n\
         <h3>Commands</h3>\n{commands}</section>\n",
        count(evaluation.rounds, "round", "rounds")
    )
}
