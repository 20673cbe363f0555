//! Looks at a process from outside: `/proc`.

use std::path::PathBuf;

use anyhow::Context;

/// Of `/proc/PID/stat`, on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process and of the children that it has waited for.
///
/// # Errors
/// If there is no such process.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    Ok(times(&pid.to_string())?.iter().sum())
}

/// User and system time of the children that this process has waited for.
///
/// # Errors
/// If the system does not tell.
pub fn cpu_seconds_of_children() -> anyhow::Result<f64> {
    let [.., user, system] = times("self")?;
    Ok(user + system)
}

/// User and system time, its own and its children's.
fn times(process: &str) -> anyhow::Result<[f64; 4]> {
    let text = read(process, "stat")?;
    // The name before may hold anything; what follows are numbers.
    let (_, numbers) = text.rsplit_once(") ").context("/proc/PID/stat")?;
    let fields = numbers.split(' ').skip(11).take(4).map(str::parse::<f64>);
    let ticks: Vec<f64> = fields.collect::<Result<_, _>>().context("/proc/PID/stat")?;
    let ticks = <[f64; 4]>::try_from(ticks).ok().context("/proc/PID/stat")?;
    Ok(ticks.map(|ticks| ticks / TICKS_PER_SECOND))
}

/// The most memory that a process has had resident.
///
/// # Errors
/// If there is no such process.
pub fn peak_memory_mib(pid: u32) -> anyhow::Result<f64> {
    let text = read(&pid.to_string(), "status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("/proc/PID/status")? / 1024.0)
}

/// How many files this process, and what it starts, may have open.
///
/// # Errors
/// If the system does not tell.
pub fn open_files_max() -> anyhow::Result<u64> {
    let text = read("self", "limits")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    let soft = soft.context("/proc/self/limits")?;
    Ok(if soft == "unlimited" { u64::MAX } else { soft.parse()? })
}

fn read(process: &str, file: &str) -> anyhow::Result<String> {
    let path = PathBuf::from(format!("/proc/{process}/{file}"));
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_some_time_and_memory() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(peak_memory_mib(pid).unwrap() > 1.0);
        assert!(open_files_max().unwrap() > 2);
    }

    #[test]
    fn the_time_of_a_child_counts_once_it_was_waited_for() {
        let before = cpu_seconds_of_children().unwrap();
        let count = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
        let status = std::process::Command::new("sh").args(["-c", count]).status().unwrap();
        assert!(status.success());
        assert!(cpu_seconds_of_children().unwrap() > before);
        assert!(cpu_seconds(std::process::id()).unwrap() > before);
    }
}
