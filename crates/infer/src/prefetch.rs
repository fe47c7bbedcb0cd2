//! Cache hints: never change a result.

/// Hints that `items[index]` will be read soon. Does nothing out of range or on other architectures.
#[inline(always)]
pub fn prefetch<T>(items: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a cache hint on the address of a live reference")]
        // SAFETY: SSE is part of x86-64; a prefetch never faults and the address is that of `item`.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (items, index);
    }
}
