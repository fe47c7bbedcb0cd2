//! Clocks and memory.
//!
//! Times are CPU seconds of the whole process: other programs on the machine move them less than they move a
//! wall clock. With one thread they are what one core needs; with several, the sum.

use cpu_time::ProcessTime;
use std::time::Instant;

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// CPU seconds of all threads.
    pub cpu: f64,
    /// Seconds by the wall clock.
    pub wall: f64,
}

/// Runs something and says what it took.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let result = work();
    (result, Spent { cpu: cpu.elapsed().as_secs_f64(), wall: wall.elapsed().as_secs_f64() })
}

/// The middle value; the lower of two middle ones. Zero for none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// Megabytes (10^6) a second.
pub fn speed(bytes: usize, seconds: f64) -> f64 {
    bytes as f64 / 1e6 / seconds.max(1e-9)
}

/// The most memory that this process has had so far, in bytes, where the system says it (Linux).
pub fn peak_memory() -> Option<u64> {
    kib("/proc/self/status", "VmHWM:")
}

/// Memory that programs can still have, in bytes, where the system says it (Linux).
pub fn available_memory() -> Option<u64> {
    kib("/proc/meminfo", "MemAvailable:")
}

/// The processor, the number of them and the system, in words.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let cpu = cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cpu}, {threads} processors, {}", std::env::consts::OS)
}

/// A line of a file of the system that gives KiB, in bytes.
fn kib(path: &str, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Starts the peak anew, where the system allows it (Linux): later peaks are those of what comes.
pub fn reset_peak_memory() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_few_values() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0]), 3.0);
        assert_eq!(median([3.0, 1.0]), 1.0);
        assert_eq!(median([9.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn work_takes_time() {
        let (x, spent) = time(|| (0..3_000_000u64).fold(0u64, |a, b| a.rotate_left(3) ^ b));
        assert!(x != 0 && spent.wall > 0.0);
        assert!(speed(2_000_000, 1.0) == 2.0);
    }
}
