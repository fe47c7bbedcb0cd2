//! Peers, generators and benchmarks.
