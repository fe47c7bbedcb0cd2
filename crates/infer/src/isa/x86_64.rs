//! Entry points compiled for the x86-64 extensions. LLVM inlines the task and builds it anew for each.

use super::Task;

/// Runs a task compiled for SSE4.1.
#[target_feature(enable = "sse4.1")]
pub(super) fn run_sse41<T: Task>(task: T) -> T::Output {
    task.run()
}

/// Runs a task compiled for AVX2 and the bit-manipulation sets that come with it. FMA is left out: it would
/// change floats.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) fn run_avx2<T: Task>(task: T) -> T::Output {
    task.run()
}
