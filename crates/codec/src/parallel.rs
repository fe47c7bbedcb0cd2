//! Independent jobs side by side, results in order.

/// Content bytes of all jobs together below which threads cost more than they gain.
const WORTH_THREADS: u64 = 4 << 10;

/// Runs `work` on each job in a thread of its own (one job, or `bytes` of content that are few: on this thread). A panic
/// in a job goes on in the caller.
pub(crate) fn in_parallel<J: Send, T: Send>(
    bytes: u64,
    jobs: Vec<J>,
    work: impl Fn(J) -> T + Sync,
) -> Vec<T> {
    if jobs.len() <= 1 || bytes < WORTH_THREADS {
        return jobs.into_iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let handles: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || work(job))).collect();
        handles
            .into_iter()
            .map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
