// SPDX-License-Identifier: MIT OR Apache-2.0
//! Device-mapper by ioctl.
//!
//! A device comes to be in three requests. [`Control::create`] makes it with
//! name and uuid, and without a table: it has no size, and newer kernels do
//! not show it in sysfs. [`Control::load`] puts a table into its waiting slot,
//! which still changes nothing. [`Control::resume`] puts that table into force,
//! and I/O runs. Another load and resume replace the table in one go.
//!
//! Layout and numbers: `include/uapi/linux/dm-ioctl.h`, interface version 4.
//! Nothing here needs or makes a device node beside the control node.

mod record;

use std::fs::{File, OpenOptions};

use rustix::io::Errno;
use rustix::ioctl;

use record::{DATA_START, Reply, Request};

/// The control node; the kernel makes it when dm-mod is loaded.
pub const CONTROL: &str = "/dev/mapper/control";

const READONLY: u32 = 1;
const SUSPEND: u32 = 1 << 1;
const STATUS_TABLE: u32 = 1 << 4;
const ACTIVE_PRESENT: u32 = 1 << 5;
const BUFFER_FULL: u32 = 1 << 8;

const FIRST_BUFFER: usize = 16 << 10;
/// No table or list of devices is bigger; a bound on the retries.
const MAX_BUFFER: usize = 16 << 20;

/// A request that device-mapper did not carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DmError {
    /// The control node could not be opened.
    #[error("cannot open {CONTROL}: {errno}; is the module dm-mod loaded?")]
    Open {
        /// The kernel's answer.
        errno: Errno,
    },
    /// The kernel refused.
    #[error("device-mapper {ioctl} of \"{device}\" failed: {errno}{hint}", hint = hint(ioctl, *errno))]
    Ioctl {
        /// The ioctl, without `DM_`.
        ioctl: &'static str,
        /// The device's name.
        device: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// A name, uuid or parameter that does not fit into the request.
    #[error("device-mapper {ioctl} of \"{device}\": {what}")]
    Argument {
        /// The ioctl.
        ioctl: &'static str,
        /// The device's name.
        device: String,
        /// What is wrong.
        what: &'static str,
    },
    /// An answer that does not follow the kernel's own format.
    #[error("device-mapper {ioctl} of \"{device}\": the kernel's answer cannot be read")]
    Reply {
        /// The ioctl.
        ioctl: &'static str,
        /// The device's name.
        device: String,
    },
}

impl DmError {
    /// The kernel's answer, if there is one in it.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            DmError::Open { errno } | DmError::Ioctl { errno, .. } => Some(*errno),
            DmError::Argument { .. } | DmError::Reply { .. } => None,
        }
    }
}

fn hint(ioctl: &str, errno: Errno) -> &'static str {
    match (ioctl, errno) {
        ("TABLE_LOAD", Errno::INVAL) => {
            "; the kernel log has the reason: a target whose module is not loaded, or a table that does not fit the device below"
        }
        ("TABLE_LOAD", Errno::BUSY) => "; the device below is mounted or in use",
        ("DEV_REMOVE", Errno::BUSY) => "; it is mounted or open",
        ("DEV_CREATE", Errno::BUSY) => "; a device of this name or uuid exists",
        _ => "",
    }
}

/// How to name an existing device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector<'a> {
    /// By name.
    Name(&'a str),
    /// By uuid.
    Uuid(&'a str),
}

/// A device's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Name.
    pub name: String,
    /// Uuid, empty where it has none.
    pub uuid: String,
    /// Device number, as stat(2) has it.
    pub dev: u64,
    /// How many times the device is open, mounts included.
    pub open_count: i32,
    /// Whether it is read-only.
    pub read_only: bool,
    /// Whether I/O is held back.
    pub suspended: bool,
    /// Whether a table is in force.
    pub active: bool,
    /// Targets of the table in force.
    pub targets: u32,
}

/// A line of a table. Sectors are of 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLine {
    /// First sector.
    pub start: u64,
    /// Sectors.
    pub length: u64,
    /// Target type, at most 15 bytes.
    pub kind: String,
    /// The target's parameters.
    pub params: String,
}

/// Device-mapper, through its opened control node.
#[derive(Debug)]
pub struct Control {
    file: File,
}

/// Asks for the table in force of a map, by its name. Opens the control node
/// with the first question, for a machine may be without device-mapper.
pub fn tables() -> impl FnMut(&str) -> Result<Vec<TableLine>, DmError> {
    let mut control = None;
    move |name| {
        let control = match &mut control {
            Some(open) => open,
            none => none.insert(Control::open()?),
        };
        control.table(name)
    }
}

impl Control {
    /// Opens [`CONTROL`].
    pub fn open() -> Result<Self, DmError> {
        let opened = OpenOptions::new().read(true).write(true).open(CONTROL);
        let file = opened.map_err(|e| DmError::Open {
            errno: Errno::from_io_error(&e).unwrap_or(Errno::IO),
        })?;
        Ok(Self { file })
    }

    /// Makes a device. The uuid may be empty.
    pub fn create(&self, name: &str, uuid: &str) -> Result<Status, DmError> {
        let mut r = Request::new();
        named(&mut r, "DEV_CREATE", Selector::Name(name))?;
        r.set_uuid(uuid)
            .map_err(|what| argument("DEV_CREATE", name, what))?;
        let reply = self.call(3, "DEV_CREATE", name, &mut r)?;
        status(&reply).ok_or_else(|| bad("DEV_CREATE", name))
    }

    /// Loads a table.
    pub fn load(&self, name: &str, read_only: bool, table: &[TableLine]) -> Result<(), DmError> {
        let mut r = Request::new();
        named(&mut r, "TABLE_LOAD", Selector::Name(name))?;
        r.set_flags(if read_only { READONLY } else { 0 });
        r.set_table(table)
            .map_err(|what| argument("TABLE_LOAD", name, what))?;
        self.call(9, "TABLE_LOAD", name, &mut r).map(drop)
    }

    /// Puts the loaded table into force.
    pub fn resume(&self, name: &str, read_only: bool) -> Result<Status, DmError> {
        let mut r = Request::new();
        named(&mut r, "DEV_SUSPEND", Selector::Name(name))?;
        r.set_flags(if read_only { READONLY } else { 0 });
        // The kernel has one request for both: a missing SUSPEND means resume.
        let reply = self.call(6, "DEV_SUSPEND (resume)", name, &mut r)?;
        status(&reply).ok_or_else(|| bad("DEV_SUSPEND (resume)", name))
    }

    /// Removes a device. EBUSY while it is open.
    pub fn remove(&self, name: &str) -> Result<(), DmError> {
        let mut r = Request::new();
        named(&mut r, "DEV_REMOVE", Selector::Name(name))?;
        self.call(4, "DEV_REMOVE", name, &mut r).map(drop)
    }

    /// The state of a device, `None` where there is none of that name or uuid.
    pub fn status(&self, device: Selector<'_>) -> Result<Option<Status>, DmError> {
        let name = label(device);
        let mut r = Request::new();
        named(&mut r, "DEV_STATUS", device)?;
        match self.call(7, "DEV_STATUS", name, &mut r) {
            Ok(reply) => status(&reply)
                .map(Some)
                .ok_or_else(|| bad("DEV_STATUS", name)),
            Err(DmError::Ioctl {
                errno: Errno::NXIO, ..
            }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The names of all devices, in the kernel's order.
    pub fn list(&self) -> Result<Vec<String>, DmError> {
        let reply = self.call(2, "LIST_DEVICES", "control", &mut Request::new())?;
        reply.names().ok_or_else(|| bad("LIST_DEVICES", "control"))
    }

    /// The table in force; empty where there is none.
    pub fn table(&self, name: &str) -> Result<Vec<TableLine>, DmError> {
        let mut r = Request::new();
        named(&mut r, "TABLE_STATUS", Selector::Name(name))?;
        r.set_flags(STATUS_TABLE);
        let reply = self.call(12, "TABLE_STATUS", name, &mut r)?;
        reply.table().ok_or_else(|| bad("TABLE_STATUS", name))
    }

    /// Sends a request, with a bigger buffer as long as the kernel asks for one.
    fn call(
        &self,
        command: u8,
        ioctl: &'static str,
        device: &str,
        request: &mut Request,
    ) -> Result<Reply, DmError> {
        let mut size = FIRST_BUFFER.max(request.len());
        loop {
            let mut buffer = request.to_buffer(size);
            send(&self.file, command, &mut buffer).map_err(|errno| DmError::Ioctl {
                ioctl,
                device: device.to_owned(),
                errno,
            })?;
            let reply = Reply::new(buffer);
            match reply.flags() {
                None => return Err(bad(ioctl, device)),
                Some(flags) if flags & BUFFER_FULL == 0 => return Ok(reply),
                Some(_) if size >= MAX_BUFFER => {
                    return Err(argument(ioctl, device, "the answer is longer than 16 MiB"));
                }
                Some(_) => size = size.saturating_mul(4).min(MAX_BUFFER),
            }
        }
    }
}

/// A request on its way: `_IOWR(0xfd, command, struct dm_ioctl)`.
struct Call<'a> {
    command: u8,
    buffer: &'a mut [u8],
}

// SAFETY: the request's number says "reads and writes"; the kernel reads and
// writes at most `data_size` bytes behind the pointer, which
// `Request::to_buffer` set to the length of `buffer`. The buffer is exclusively
// borrowed, and whatever the kernel leaves in it is valid as u8.
unsafe impl ioctl::Ioctl for Call<'_> {
    type Output = ();
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> ioctl::Opcode {
        // The number holds the size of the fixed part only.
        ioctl::opcode::read_write::<[u8; DATA_START]>(0xfd, self.command)
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        self.buffer.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(
        _: ioctl::IoctlOutput,
        _: *mut std::ffi::c_void,
    ) -> rustix::io::Result<()> {
        Ok(())
    }
}

fn send(file: &File, command: u8, buffer: &mut [u8]) -> Result<(), Errno> {
    // SAFETY: a device-mapper request on the control node; should `file` be
    // another node, the kernel answers ENOTTY, for no other driver has the
    // magic 0xfd with this size. The buffer is as `Call` says.
    unsafe { ioctl::ioctl(file, Call { command, buffer }) }
}

fn label(device: Selector<'_>) -> &str {
    match device {
        Selector::Name(s) | Selector::Uuid(s) => s,
    }
}

fn named(r: &mut Request, ioctl: &'static str, device: Selector<'_>) -> Result<(), DmError> {
    let done = match device {
        Selector::Name(name) => r.set_name(name),
        Selector::Uuid(uuid) => r.set_uuid(uuid),
    };
    done.map_err(|what| argument(ioctl, label(device), what))
}

fn argument(ioctl: &'static str, device: &str, what: &'static str) -> DmError {
    DmError::Argument {
        ioctl,
        device: device.to_owned(),
        what,
    }
}

fn bad(ioctl: &'static str, device: &str) -> DmError {
    DmError::Reply {
        ioctl,
        device: device.to_owned(),
    }
}

fn status(reply: &Reply) -> Option<Status> {
    let flags = reply.flags()?;
    Some(Status {
        name: reply.name()?,
        uuid: reply.uuid()?,
        dev: reply.dev()?,
        open_count: reply.open_count()?,
        read_only: flags & READONLY != 0,
        suspended: flags & SUSPEND != 0,
        active: flags & ACTIVE_PRESENT != 0,
        targets: reply.target_count()?,
    })
}
