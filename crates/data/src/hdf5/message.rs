//! Kinds of messages in object headers.
//!
//! Source: the HDF5 File Format Specification, version 3.0, IV.A.2.

pub(super) const NIL: u16 = 0x00;
pub(super) const DATASPACE: u16 = 0x01;
pub(super) const LINK_INFO: u16 = 0x02;
pub(super) const DATATYPE: u16 = 0x03;
pub(super) const FILL: u16 = 0x05;
pub(super) const LINK: u16 = 0x06;
pub(super) const EXTERNAL: u16 = 0x07;
pub(super) const LAYOUT: u16 = 0x08;
pub(super) const GROUP_INFO: u16 = 0x0a;
pub(super) const ATTRIBUTE: u16 = 0x0c;
pub(super) const SHARED_TABLE: u16 = 0x0f;
pub(super) const CONTINUATION: u16 = 0x10;
pub(super) const SYMBOLS: u16 = 0x11;
pub(super) const MODIFIED: u16 = 0x12;
pub(super) const DRIVER: u16 = 0x14;
pub(super) const ATTRIBUTE_INFO: u16 = 0x15;
pub(super) const REFERENCES: u16 = 0x16;
