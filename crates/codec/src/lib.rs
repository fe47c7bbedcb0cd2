//! Vortex-Codec: lossless compression of scientific data.
