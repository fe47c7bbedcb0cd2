//! Entropy coding: CDF laws, range coder, rANS, bit streams, cost counter.
