//! The columns of a generated table and how they lie in a record.

/// The type of a column; little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// Two's-complement integers.
    I8,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// Unsigned byte.
    U8,
    /// 16-bit unsigned.
    U16,
}

impl Number {
    /// Width in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// Its name in a layout file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
        }
    }
}

/// A column of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// First byte in the record.
    pub offset: usize,
    /// Type.
    pub number: Number,
    /// Which of the values of a row it holds.
    pub(super) value: usize,
}

/// A row's values, by number. Integers are exact in f64 (below 2^53).
pub(super) const VALUES: [(&str, Number); 33] = [
    ("event", Number::I64),
    ("pt", Number::F32),
    ("eta", Number::F32),
    ("phi", Number::F32),
    ("mass", Number::F32),
    ("energy", Number::F32),
    ("px", Number::F32),
    ("py", Number::F32),
    ("pz", Number::F32),
    ("p_b", Number::F32),
    ("p_c", Number::F32),
    ("p_u", Number::F32),
    ("label", Number::I32),
    ("n_tracks", Number::I32),
    ("rank", Number::I32),
    ("n_neutral", Number::I16),
    ("n_all", Number::I16),
    ("sv_mass", Number::F32),
    ("sv_lxy", Number::F32),
    ("pv_x", Number::F32),
    ("pv_y", Number::F32),
    ("pv_z", Number::F32),
    ("met", Number::F32),
    ("score", Number::F32),
    ("pt_raw", Number::F32),
    ("noise", Number::F32),
    ("run", Number::I32),
    ("time", Number::F64),
    ("charge", Number::I16),
    ("sector", Number::U8),
    ("trigger", Number::U8),
    ("gain", Number::F32),
    ("quality", Number::I8),
];

/// Numbers of the values, for whoever fills a row.
pub(super) mod at {
    pub const EVENT: usize = 0;
    pub const PT: usize = 1;
    pub const ETA: usize = 2;
    pub const PHI: usize = 3;
    pub const MASS: usize = 4;
    pub const ENERGY: usize = 5;
    pub const PX: usize = 6;
    pub const PY: usize = 7;
    pub const PZ: usize = 8;
    pub const P_B: usize = 9;
    pub const P_C: usize = 10;
    pub const P_U: usize = 11;
    pub const LABEL: usize = 12;
    pub const N_TRACKS: usize = 13;
    pub const RANK: usize = 14;
    pub const N_NEUTRAL: usize = 15;
    pub const N_ALL: usize = 16;
    pub const SV_MASS: usize = 17;
    pub const SV_LXY: usize = 18;
    pub const PV_X: usize = 19;
    pub const PV_Y: usize = 20;
    pub const PV_Z: usize = 21;
    pub const MET: usize = 22;
    pub const SCORE: usize = 23;
    pub const PT_RAW: usize = 24;
    pub const NOISE: usize = 25;
    pub const RUN: usize = 26;
    pub const TIME: usize = 27;
    pub const CHARGE: usize = 28;
    pub const SECTOR: usize = 29;
    pub const TRIGGER: usize = 30;
    pub const GAIN: usize = 31;
    pub const QUALITY: usize = 32;
}

/// Lays out columns one after the other.
pub(super) fn lay_out(values: impl IntoIterator<Item = (usize, Number)>) -> Vec<Column> {
    let mut offset = 0;
    values
        .into_iter()
        .map(|(value, number)| {
            let column = Column { name: VALUES[value].0, offset, number, value };
            offset += number.bytes();
            column
        })
        .collect()
}

impl Column {
    /// Writes a row's value into a record.
    #[inline]
    pub(super) fn store(&self, row: &[f64; VALUES.len()], record: &mut [u8]) {
        let v = row[self.value];
        // Integer casts saturate, so they are the same everywhere.
        match self.number {
            // A NaN's payload may differ between processors when it is narrowed: one pattern for all.
            Number::F32 if v.is_nan() => self.put(0x7fc0_0000u32.to_le_bytes(), record),
            Number::F64 if v.is_nan() => self.put((0x7ff8u64 << 48).to_le_bytes(), record),
            Number::F32 => self.put((v as f32).to_le_bytes(), record),
            Number::F64 => self.put(v.to_le_bytes(), record),
            Number::I8 => self.put((v as i8).to_le_bytes(), record),
            Number::I16 => self.put((v as i16).to_le_bytes(), record),
            Number::I32 => self.put((v as i32).to_le_bytes(), record),
            Number::I64 => self.put((v as i64).to_le_bytes(), record),
            Number::U8 => self.put((v as u8).to_le_bytes(), record),
            Number::U16 => self.put((v as u16).to_le_bytes(), record),
        }
    }

    /// The width is a constant here: a copy of unknown length would be a call.
    #[inline(always)]
    fn put<const N: usize>(&self, bytes: [u8; N], record: &mut [u8]) {
        record[self.offset..self.offset + N].copy_from_slice(&bytes);
    }
}
