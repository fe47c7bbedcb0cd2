//! The .vxc container: its on-disk structures and nothing else.
