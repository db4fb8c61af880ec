//! Devices with memory of their own, and arrays that stay there.
//!
//! ```text
//! Device::cuda(0) ──▶ Engine::builder().device(&device) ──▶ the same verbs: host arrays are copied
//!        └──────────▶ DeviceArray::upload(&device, &x)  ──▶ evaluate_on_device: nothing is copied
//! ```
//!
//! The bits are those of every other back end.

use std::sync::Arc;

use fuse_ir::{DType, DeviceError, DeviceInfo};
use fuse_runtime::{DeviceContext, Element, Operand, RunError, View};

use crate::array::Array;
use crate::error::{Error, ErrorKind};
use crate::output::AsOutput;
use crate::vars::{AsInput, Input};

/// A device that formulas can run on, for [`crate::EngineBuilder::device`]. Cheap to clone; clones share
/// the device's memory.
///
/// Calls on one device run one after the other, on whatever threads and engines. Memory that calls free
/// is kept for the next ones: at most a quarter of the device's, until it is wanted or
/// [`Device::trim`] is called.
///
/// ```no_run
/// use fuse::{Device, Engine, vars};
///
/// let engine = Engine::builder().device(&Device::cuda(0)?).build()?;
/// let x = vec![1.0; 1 << 24];
/// let mean = engine.evaluate("mean(exp(x))", vars! { x })?;
/// # Ok::<(), fuse::Error>(())
/// ```
#[derive(Clone)]
pub struct Device {
    pub(crate) context: Arc<DeviceContext>,
}

/// How much of a device's memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Bytes that nothing has. What [`Device`] keeps for later calls is not among them.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

impl Device {
    /// The NVIDIA device of that number, from 0. Asked for again while it is in use, it is the same device.
    ///
    /// # Errors
    /// [`ErrorKind::Device`]: without the feature `cuda`, without NVIDIA's driver, without such a device,
    /// or with one too old (compute capability below 7.0).
    ///
    /// ```
    /// use fuse::{Device, ErrorKind};
    ///
    /// match Device::cuda(0) {
    ///     Ok(device) => println!("{}", device.info().name),
    ///     Err(error) => assert_eq!(error.kind(), ErrorKind::Device),
    /// }
    /// ```
    pub fn cuda(ordinal: u32) -> Result<Device, Error> {
        cuda::open(ordinal)
    }

    /// The NVIDIA devices of this machine, in the order of their numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Device`]: without the feature `cuda`, or without NVIDIA's driver.
    pub fn list() -> Result<Vec<DeviceInfo>, Error> {
        cuda::list()
    }

    /// A device of one's own.
    #[doc(hidden)]
    pub fn from_driver(driver: Arc<dyn fuse_ir::Device>) -> Device {
        Device { context: DeviceContext::new(driver) }
    }

    /// What it is: name, compute capability, size.
    pub fn info(&self) -> &DeviceInfo {
        self.context.info()
    }

    /// How much of its memory is free.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] where the driver does not say.
    pub fn memory(&self) -> Result<DeviceMemory, Error> {
        let (free, total) = self.context.device().memory().map_err(Error::from)?;
        Ok(DeviceMemory { free, total })
    }

    /// Waits until nothing is left to do: copies to the device may go on when the call that began them has
    /// returned.
    ///
    /// # Errors
    /// [`ErrorKind::Device`] where something failed meanwhile.
    pub fn synchronize(&self) -> Result<(), Error> {
        Ok(self.context.synchronize()?)
    }

    /// Gives the memory that is kept for later calls back to the device.
    pub fn trim(&self) {
        self.context.trim();
    }

    /// Is it the same device, with the same memory?
    pub(crate) fn is(&self, other: &Device) -> bool {
        Arc::ptr_eq(&self.context, &other.context)
    }
}

impl PartialEq for Device {
    /// Clones are equal.
    fn eq(&self, other: &Device) -> bool {
        self.is(other)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(self.info()).finish()
    }
}

/// An array in a device's memory: C order, of any dtype but texts. A variable for engines of that device,
/// as any array is.
///
/// ```no_run
/// use fuse::{Device, DeviceArray, Engine, vars};
///
/// let device = Device::cuda(0)?;
/// let engine = Engine::builder().device(&device).build()?;
/// let x = DeviceArray::from_slice(&device, &[1.0, 2.0, 3.0], &[3])?;
/// let y = engine.evaluate_on_device("exp(x)", vars! { x })?;
/// let z = engine.evaluate_on_device("x/sum(y)", vars! { x, y })?;
/// println!("{}", z.download()?);
/// # Ok::<(), fuse::Error>(())
/// ```
pub struct DeviceArray(pub(crate) fuse_runtime::DeviceArray);

impl DeviceArray {
    /// A copy of a slice, in C order.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where the extents do not make its length, [`ErrorKind::Alloc`] where the device
    /// has not the memory, [`ErrorKind::Device`].
    pub fn from_slice<T: Element>(
        device: &Device,
        slice: &[T],
        extents: &[usize],
    ) -> Result<DeviceArray, Error> {
        DeviceArray::copy(device, &View::from_shaped(slice, extents)?)
    }

    /// A copy of an array, of any layout: an [`Array`], a [`View`], a slice, whatever a formula takes.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a scalar, a text or an array in device memory; [`ErrorKind::Type`] for an
    /// array of texts; otherwise as [`DeviceArray::from_slice`].
    pub fn upload(device: &Device, array: &(impl AsInput + ?Sized)) -> Result<DeviceArray, Error> {
        match array.as_input().operand {
            Operand::Array(view) => DeviceArray::copy(device, &view),
            Operand::Scalar(_) | Operand::Text(_) | Operand::Device(_) => {
                let message = "only an array of the host is uploaded; scalars and texts are given to \
                               formulas as they are";
                Err(Error::new(ErrorKind::Input, message))
            }
        }
    }

    fn copy(device: &Device, view: &View<'_>) -> Result<DeviceArray, Error> {
        let array = fuse_runtime::DeviceArray::upload(&device.context, view);
        array.map(DeviceArray).map_err(|error| Error::from_run("", error))
    }

    /// A copy on the host.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where memory is refused, [`ErrorKind::Device`].
    pub fn download(&self) -> Result<Array, Error> {
        self.0.download().map(Array).map_err(|error| Error::from_run("", error))
    }

    /// Copies it to memory of the host's, of its dtype and shape: what a formula writes into.
    ///
    /// # Errors
    /// [`ErrorKind::Output`] where dtype or shape differ; [`ErrorKind::Device`].
    pub fn download_into(&self, out: &mut (impl AsOutput + ?Sized)) -> Result<(), Error> {
        let downloaded = self.0.download_into(&mut out.as_output());
        downloaded.map_err(|error| Error::from_run("", error))
    }

    /// Takes over the elements of another array, of equal dtype and shape, on the same device. They never
    /// leave it, and are there when it returns.
    ///
    /// # Errors
    /// [`ErrorKind::Output`] where dtype, shape or device differ; [`ErrorKind::Device`].
    pub fn copy_from(&mut self, other: &DeviceArray) -> Result<(), Error> {
        self.0.copy_from(&other.0).map_err(|error| Error::from_run("", error))
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype()
    }

    /// Extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.0.extents()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The device that it is on.
    pub fn device(&self) -> Device {
        Device { context: Arc::clone(self.0.context()) }
    }

    /// The address of its first element in the device's memory, for other code on that device; 0 for an
    /// array of no elements. Reading is safe once the call that gave the array has returned.
    pub fn address(&self) -> u64 {
        self.0.address().0
    }
}

impl AsInput for DeviceArray {
    fn as_input(&self) -> Input<'_> {
        Input::device(self)
    }
}

impl std::fmt::Debug for DeviceArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceArray")
            .field("dtype", &self.dtype())
            .field("shape", &self.shape())
            .field("device", &self.device().info().ordinal)
            .finish()
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Error {
        Error::from_run("", RunError::Device(error))
    }
}

/// NVIDIA's driver.
#[cfg(feature = "cuda")]
mod cuda {
    use std::sync::{Arc, Mutex, PoisonError, Weak};

    use fuse_ir::DeviceInfo;
    use fuse_ptx::CudaDevice;
    use fuse_runtime::DeviceContext;

    use super::Device;
    use crate::error::Error;

    /// The devices in use, by number.
    static OPEN: Mutex<Vec<(u32, Weak<DeviceContext>)>> = Mutex::new(Vec::new());

    pub(super) fn open(ordinal: u32) -> Result<Device, Error> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, context)| context.strong_count() > 0);
        let known = open.iter().find(|(own, _)| *own == ordinal);
        if let Some(context) = known.and_then(|(_, context)| context.upgrade()) {
            return Ok(Device { context });
        }
        let device = Device::from_driver(Arc::new(CudaDevice::open(ordinal)?));
        open.push((ordinal, Arc::downgrade(&device.context)));
        Ok(device)
    }

    pub(super) fn list() -> Result<Vec<DeviceInfo>, Error> {
        Ok(CudaDevice::list()?)
    }
}

/// What stands in its place where it is not built in.
#[cfg(not(feature = "cuda"))]
mod cuda {
    use fuse_ir::DeviceInfo;

    use super::Device;
    use crate::error::{Error, ErrorKind};

    pub(super) fn open(_: u32) -> Result<Device, Error> {
        Err(missing())
    }

    pub(super) fn list() -> Result<Vec<DeviceInfo>, Error> {
        Err(missing())
    }

    fn missing() -> Error {
        Error::new(
            ErrorKind::Device,
            "NVIDIA devices are not built in: it takes the feature `cuda`",
        )
    }
}
