//! Devices by name. Each but the CPU is a cargo feature of this crate.

use burn::tensor::Device;

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

/// Opens a device for training. `cpu` is Burn's pure-Rust backend, one thread for each share of a batch.
///
/// # Errors
/// [`TrainError::Device`] for a name that is none, a device that is not compiled in, and one that is not there.
pub fn open(name: &str) -> Result<Device, TrainError> {
    match DEVICES.iter().find(|(known, _)| *known == name) {
        None => {
            let known: Vec<&str> = DEVICES.iter().map(|d| d.0).collect();
            Err(TrainError::Device(format!("no device {name}; there are {}", known.join(", "))))
        }
        Some((_, false)) => Err(TrainError::Device(format!(
            "this build has no device {name}: build with --features train,{name}"
        ))),
        Some((_, true)) => probe(name),
    }
}

/// Opens the device and computes one number with it: backends start lazily and panic where there is no such device.
fn probe(name: &str) -> Result<Device, TrainError> {
    let owned = name.to_string();
    let open = move || {
        let device = make(&owned)?.autodiff();
        let one = burn::tensor::Tensor::<1>::ones([1], &device).inner();
        let one: f32 = (one + 1.0).into_scalar();
        (one == 2.0).then_some(device)
    };
    // In a thread of its own, so that a panic of the backend ends there.
    match std::thread::spawn(open).join() {
        Ok(Some(device)) => Ok(device),
        _ => Err(TrainError::Device(format!("device {name} is not present or does not work"))),
    }
}

fn make(name: &str) -> Option<Device> {
    match name {
        "cpu" => Some(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Some(Device::cuda(0)),
        #[cfg(feature = "rocm")]
        "rocm" => Some(Device::rocm(0)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "metal")]
        "metal" => Some(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "webgpu")]
        "webgpu" => Some(Device::webgpu(burn::tensor::DeviceKind::DefaultDevice)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_there_and_others_say_why_not() {
        assert!(open("cpu").is_ok_and(|d| d.is_autodiff()));
        assert!(open("gpu").unwrap_err().to_string().contains("there are cpu, cuda"));
        for (name, compiled) in DEVICES {
            if !compiled {
                let error = open(name).unwrap_err().to_string();
                assert!(error.contains("--features") && error.contains(name), "{error}");
            }
        }
    }
}
