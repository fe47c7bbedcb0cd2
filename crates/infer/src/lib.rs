//! Integer kernels (scalar, AVX2, NEON) and the instruction set chosen at run time.
