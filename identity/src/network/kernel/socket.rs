// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dump requests on a route socket.

use super::parse::{self, Event};
use crate::error::{Error, Result};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::os::fd::OwnedFd;

/// RTM_GETLINK of linux/rtnetlink.h.
pub(super) const GETLINK: u16 = 18;
/// RTM_GETADDR.
pub(super) const GETADDR: u16 = 22;
/// RTM_GETROUTE.
pub(super) const GETROUTE: u16 = 26;

/// NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH.
const REQUEST_DUMP: u16 = 0x301;
/// Dumps come in datagrams of at most 32 KiB.
const BUFFER: usize = 64 << 10;
/// A dump that changes while it is read is read again, so many times.
const TRIES: usize = 5;

/// Sends a dump request and hands each message's body to `each`.
pub(super) fn dump(request: u16, what: &'static str, mut each: impl FnMut(&[u8])) -> Result<()> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for _ in 0..TRIES {
        bodies.clear();
        if once(request, what, &mut bodies)? {
            break;
        }
        // Only a list that was interrupted to the last is used as it is.
    }
    for body in &bodies {
        each(body);
    }
    Ok(())
}

/// False if something changed while the dump was read.
fn once(request: u16, what: &'static str, bodies: &mut Vec<Vec<u8>>) -> Result<bool> {
    let fail = |e: rustix::io::Errno| Error::Netlink {
        what,
        source: e.into(),
    };
    let socket = open().map_err(fail)?;
    // nlmsghdr, then the longest of ifinfomsg, ifaddrmsg, rtmsg, all zero.
    let body = match request {
        GETLINK => 16,
        GETADDR => 8,
        _ => 12,
    };
    let mut message = vec![0u8; 16 + body];
    let length = message.len() as u32;
    for (at, byte) in length.to_ne_bytes().into_iter().enumerate() {
        message[at] = byte;
    }
    message[4..6].copy_from_slice(&request.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    rustix::net::send(&socket, &message, SendFlags::empty()).map_err(fail)?;
    let mut steady = true;
    let mut buffer = vec![0u8; BUFFER];
    loop {
        let (_, length) = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&socket, &mut buffer[..], RecvFlags::TRUNC)
        })
        .map_err(fail)?;
        let datagram = buffer.get(..length).ok_or(Error::NetlinkFormat {
            what,
            offset: BUFFER,
        })?;
        for event in parse::messages(datagram) {
            match event {
                Event::Message {
                    kind,
                    body,
                    interrupted,
                } => {
                    steady &= !interrupted;
                    // Each answer's type is the request's less two.
                    if kind == request - 2 {
                        bodies.push(body.to_vec());
                    }
                }
                Event::Done => return Ok(steady),
                Event::Failed(errno) => {
                    let source = std::io::Error::from_raw_os_error(errno);
                    return Err(Error::Netlink { what, source });
                }
                Event::Damaged(offset) => return Err(Error::NetlinkFormat { what, offset }),
            }
        }
    }
}

fn open() -> rustix::io::Result<OwnedFd> {
    // No protocol is NETLINK_ROUTE, whose number is 0.
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}
