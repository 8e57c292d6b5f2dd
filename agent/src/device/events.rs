// SPDX-License-Identifier: MIT OR Apache-2.0
//! The socket that uevents come from.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, Result};
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt,
};

use super::Uevent;

/// The kernel's own multicast group; 2 is udev's.
const GROUP: u32 = 1;
/// Bytes that the kernel may queue while a module takes its time: a machine
/// with hundreds of disks sends some thousand messages of half a kilobyte.
const QUEUE: usize = 16 << 20;
/// Longest message: UEVENT_BUFFER_SIZE is 2048 or 4096, the path comes on top.
const MESSAGE: usize = 16 << 10;
/// Messages that are taken at once.
const BATCH: usize = 256;

/// A listener to the kernel's uevents.
#[derive(Debug)]
pub struct Events {
    socket: OwnedFd,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The messages, in order.
    pub events: Vec<Uevent>,
    /// The queue overflowed, so events are missing and sysfs must be walked
    /// again.
    pub lost: bool,
}

impl Events {
    /// Listens from now on.
    pub fn open() -> Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            flags,
            Some(KOBJECT_UEVENT),
        )?;
        // Beyond the limit of net.core.rmem_max if that is allowed, else up to it.
        if sockopt::set_socket_recv_buffer_size_force(&socket, QUEUE).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, QUEUE)?;
        }
        bind(&socket, &SocketAddrNetlink::new(0, GROUP))?;
        Ok(Self { socket })
    }

    /// Waits up to `timeout` for the first event, then takes those that are there.
    pub(super) fn wait(&self, timeout: Duration) -> Result<Batch> {
        let mut batch = Batch::default();
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut ready = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut ready, Some(&left)) {
                Ok(0) => return Ok(batch),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        let mut buffer = vec![0; MESSAGE];
        while batch.events.len() < BATCH {
            match recv(&self.socket, &mut buffer[..], RecvFlags::empty()) {
                Ok((_, length)) => {
                    let message = buffer.get(..length.min(MESSAGE)).unwrap_or_default();
                    batch.events.extend(Uevent::parse(message));
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => batch.lost = true,
                Err(error) => return Err(error),
            }
        }
        Ok(batch)
    }
}
