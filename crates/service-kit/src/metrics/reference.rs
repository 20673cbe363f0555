//! The reference page of all metrics.

use std::fmt::Write;

use crate::metrics::declaration::{Declaration, Values};

/// What the process itself shows, with what it tells.
pub const PROCESS: [(&str, &str, &str); 7] = [
    ("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
    ("process_max_fds", "gauge", "Maximum number of open file descriptors."),
    ("process_open_fds", "gauge", "Number of open file descriptors."),
    ("process_resident_memory_bytes", "gauge", "Resident memory size in bytes."),
    (
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
    ),
    ("process_threads", "gauge", "Number of OS threads in the process."),
    ("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes."),
];

/// A Markdown page with one table for each crate, given by its title, and one for the process.
#[must_use]
pub fn reference(crates: &[(&str, &[Declaration])]) -> String {
    let mut page = String::from(
        "# Metrics\n\nGenerated from the declarations. Every metric named `kleos_` carries the \
         label `service`.\n",
    );
    for (title, declared) in crates {
        let rows = declared.iter().map(row).collect();
        table(&mut page, title, rows);
    }
    let rows = PROCESS.iter().map(|(name, kind, help)| [name, *kind, "", *help].map(str::to_owned));
    table(&mut page, "Every process", rows.collect());
    page
}

fn row(declaration: &Declaration) -> [String; 4] {
    let labels: Vec<String> = declaration
        .labels
        .iter()
        .map(|label| match label.values {
            Values::Fixed(values) => format!("`{}`: {}", label.name, values.join(", ")),
            Values::AtMost(count) => format!("`{}`: at most {count}", label.name),
        })
        .collect();
    let kind = declaration.kind.as_str();
    [declaration.name, kind, &labels.join("; "), declaration.help].map(str::to_owned)
}

fn table(page: &mut String, title: &str, mut rows: Vec<[String; 4]>) {
    rows.sort();
    write!(page, "\n## {title}\n\n| name | kind | labels | tells |\n| --- | --- | --- | --- |\n")
        .ok();
    for [name, kind, labels, help] in rows {
        writeln!(page, "| `{name}` | {kind} | {labels} | {help} |").ok();
    }
}
