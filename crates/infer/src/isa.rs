//! The instruction set: found once, overridable by the environment variable `VXC_ISA`.
//!
//! An [`Isa`] can only be made for a set that this CPU has, so holding one is the proof that running a
//! [`Task`] compiled for it is sound.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
#[path = "isa/x86_64.rs"]
mod x86_64;

/// The name of the variable that overrides detection.
pub const ISA_VARIABLE: &str = "VXC_ISA";

/// An instruction set that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// What every CPU of the architecture has.
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Sse41,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Part of every AArch64 CPU: the baseline build already uses it.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Why a requested instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// No instruction set has this name.
    Unknown(String),
    /// This CPU or build does not have it.
    Unavailable(String),
}

impl std::fmt::Display for IsaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IsaError::Unknown(name) => {
                write!(f, "{ISA_VARIABLE}: unknown instruction set '{name}' (known: {NAMES})")
            }
            IsaError::Unavailable(name) => {
                write!(f, "{ISA_VARIABLE}: this machine does not have the instruction set '{name}'")
            }
        }
    }
}

impl std::error::Error for IsaError {}

const NAMES: &str = "scalar, sse4.1, avx2, neon";

/// Work whose body is compiled once for each instruction set.
///
/// Mark the implementation of `run`, and the hot functions that it calls, `#[inline(always)]`: only what
/// is inlined is compiled for the wider set.
pub trait Task {
    /// What the work gives back.
    type Output;
    /// Does the work.
    fn run(self) -> Self::Output;
}

impl Isa {
    /// The plain build, the definition of every kernel.
    pub const SCALAR: Isa = Isa(Set::Scalar);

    /// The best set of this CPU.
    pub fn detect() -> Isa {
        let mut best = Isa::SCALAR;
        for isa in Self::available() {
            best = isa;
        }
        best
    }

    /// Every set of this CPU, the best one last.
    pub fn available() -> Vec<Isa> {
        #[cfg_attr(
            not(any(target_arch = "x86_64", target_arch = "aarch64")),
            expect(unused_mut, reason = "only the baseline is known on this architecture")
        )]
        let mut sets = vec![Isa::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("sse4.1") {
                sets.push(Isa(Set::Sse41));
            }
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("bmi1")
                && std::arch::is_x86_feature_detected!("bmi2")
                && std::arch::is_x86_feature_detected!("popcnt")
            {
                sets.push(Isa(Set::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        sets.push(Isa(Set::Neon));
        sets
    }

    /// The set that `VXC_ISA` names, or the best one where it is unset or empty.
    ///
    /// # Errors
    /// [`IsaError`] if the name is unknown or this CPU does not have the set.
    pub fn from_env() -> Result<Isa, IsaError> {
        match std::env::var_os(ISA_VARIABLE) {
            Some(name) if !name.is_empty() => Self::from_name(&name.to_string_lossy()),
            _ => Ok(Self::detect()),
        }
    }

    /// The set of this name.
    ///
    /// # Errors
    /// [`IsaError`] if the name is unknown or this CPU does not have the set.
    pub fn from_name(name: &str) -> Result<Isa, IsaError> {
        if !NAMES.split(", ").any(|known| known == name) {
            return Err(IsaError::Unknown(name.to_owned()));
        }
        Self::available()
            .into_iter()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| IsaError::Unavailable(name.to_owned()))
    }

    /// The set of this process: [`Isa::from_env`] at the first call, [`Isa::detect`] where the variable
    /// is wrong (a program should show the error of `from_env` before it gets here).
    pub fn current() -> Isa {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::from_env().unwrap_or_else(|_| Self::detect()))
    }

    /// Its name, as in `VXC_ISA`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Set::Sse41 => "sse4.1",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
        }
    }

    /// Whether kernels written for AVX2 may be entered.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn has_avx2(self) -> bool {
        self.0 == Set::Avx2
    }

    /// Runs a task compiled for this set.
    #[inline(always)]
    pub fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            Set::Scalar => task.run(),
            #[cfg(target_arch = "x86_64")]
            Set::Sse41 => {
                #[expect(unsafe_code, reason = "enters code compiled for SSE4.1")]
                // SAFETY: an `Isa` of this set is made only after the CPU said it has SSE4.1.
                unsafe {
                    x86_64::run_sse41(task)
                }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
                // SAFETY: an `Isa` of this set is made only after the CPU said it has AVX2, BMI1, BMI2 and POPCNT.
                unsafe {
                    x86_64::run_avx2(task)
                }
            }
            #[cfg(target_arch = "aarch64")]
            Set::Neon => task.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_wrong_ones_are_told_apart() {
        for isa in Isa::available() {
            assert_eq!(Isa::from_name(isa.name()), Ok(isa));
        }
        assert_eq!(Isa::from_name("avx9"), Err(IsaError::Unknown("avx9".into())));
        let foreign = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
        assert_eq!(Isa::from_name(foreign), Err(IsaError::Unavailable(foreign.into())));
        assert_eq!(Isa::available().last().copied(), Some(Isa::detect()));
    }
}
