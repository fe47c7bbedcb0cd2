//! Devices by name. Each but the CPU is a cargo feature of this crate.

#[cfg(any(feature = "cuda", feature = "rocm"))]
use burn::tensor::DeviceIndex;
#[cfg(any(feature = "vulkan", feature = "metal", feature = "webgpu"))]
use burn::tensor::DeviceKind;
use burn::tensor::{Device, Tensor};

use crate::error::TrainError;

/// Names that `--device` takes, and whether this build has them.
pub const DEVICES: [(&str, bool); 6] = [
    ("cpu", true),
    ("cuda", cfg!(feature = "cuda")),
    ("rocm", cfg!(feature = "rocm")),
    ("vulkan", cfg!(feature = "vulkan")),
    ("metal", cfg!(feature = "metal")),
    ("webgpu", cfg!(feature = "webgpu")),
];

/// Opens devices for training: `NAME`, or `NAME:0,1,…` for several of one kind, which share each batch. `cpu` is Burn's
/// pure-Rust backend, one thread for each share of a batch.
///
/// # Errors
/// [`TrainError::Device`] for a name that is none, a device that is not compiled in, and one that is not there.
pub fn open(device: &str) -> Result<Vec<Device>, TrainError> {
    let (name, numbers) = match device.split_once(':') {
        Some((name, numbers)) => (name, Some(numbers)),
        None => (device, None),
    };
    match DEVICES.iter().find(|(known, _)| *known == name) {
        None => {
            let known: Vec<&str> = DEVICES.iter().map(|d| d.0).collect();
            let known = known.join(", ");
            return Err(TrainError::Device(format!("no device {name}; there are {known}")));
        }
        Some((_, false)) => {
            return Err(TrainError::Device(format!(
                "this build has no device {name}: build with --features train,{name}"
            )));
        }
        Some((_, true)) => {}
    }
    match numbers {
        None => Ok(vec![probe(name, None)?]),
        Some(_) if name == "cpu" => {
            Err(TrainError::Device("there is one cpu; training.shards sets its threads".into()))
        }
        Some(numbers) => numbers
            .split(',')
            .map(|n| {
                let number = n.trim().parse().map_err(|_| {
                    TrainError::Device(format!("{device}: {n} is no number of a device"))
                })?;
                probe(name, Some(number))
            })
            .collect(),
    }
}

/// Opens a device and computes one number with it: backends start lazily and panic where there is no such device.
fn probe(name: &str, number: Option<usize>) -> Result<Device, TrainError> {
    let owned = name.to_string();
    let open = move || {
        let device = make(&owned, number)?.autodiff();
        let one = Tensor::<1>::ones([1], &device).inner();
        let two: f32 = (one + 1.0).into_scalar();
        (two == 2.0).then_some(device)
    };
    // In a thread of its own, so that a panic of the backend ends there.
    match std::thread::spawn(open).join() {
        Ok(Some(device)) => Ok(device),
        Ok(None) => Err(absent(name, "it computes 1 + 1 wrong")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(absent(
                name,
                text.or(panic.downcast_ref().copied()).unwrap_or("it gives no reason"),
            ))
        }
    }
}

/// What the backend said, in one line.
fn absent(name: &str, reason: &str) -> TrainError {
    let reason = reason.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    let reason = reason.join("; ");
    TrainError::Device(format!("device {name} is not present or does not work: {reason}"))
}

fn make(name: &str, number: Option<usize>) -> Option<Device> {
    #[cfg(any(feature = "vulkan", feature = "metal", feature = "webgpu"))]
    let gpu = number.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu);
    #[cfg(any(feature = "cuda", feature = "rocm"))]
    let index = number.map_or(DeviceIndex::Default, DeviceIndex::Specified);
    match (name, number) {
        ("cpu", None) => Some(Device::flex()),
        #[cfg(feature = "cuda")]
        ("cuda", _) => Some(Device::cuda(index)),
        #[cfg(feature = "rocm")]
        ("rocm", _) => Some(Device::rocm(index)),
        #[cfg(feature = "vulkan")]
        ("vulkan", _) => Some(Device::vulkan(gpu)),
        #[cfg(feature = "metal")]
        ("metal", _) => Some(Device::metal(gpu)),
        #[cfg(feature = "webgpu")]
        ("webgpu", _) => Some(Device::webgpu(gpu)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_backend_says_is_one_line() {
        let error = absent("webgpu", "No adapter\n\n  found\n").to_string();
        assert!(error.ends_with("does not work: No adapter; found"), "{error}");
    }

    #[test]
    fn the_cpu_is_there_and_others_say_why_not() {
        assert!(open("cpu").is_ok_and(|d| d.len() == 1 && d[0].is_autodiff()));
        assert!(open("cpu:0,1").is_err());
        assert!(open("gpu").unwrap_err().to_string().contains("there are cpu, cuda"));
        for (name, compiled) in DEVICES {
            if !compiled {
                let error = open(name).unwrap_err().to_string();
                assert!(error.contains("--features") && error.contains(name), "{error}");
            }
        }
    }
}
