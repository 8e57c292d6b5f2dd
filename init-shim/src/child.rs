// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting /bin/replant, and the running program.

use core::ffi::CStr;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use crate::consoles::Consoles;
use crate::pty::{Keys, Pty};
use crate::verdict::Program;
use crate::{kernel, signal};

const PATH: &CStr = c"/bin/replant";

/// The running program.
pub struct Running {
    pub program: Program,
    pub pid: Pid,
    /// Its connection to the consoles.
    pub pty: Pty,
}

/// Starts `program` on a pseudo-terminal, as the leader of a session of its own.
///
/// # Errors
///
/// What the pseudo-terminal, fork(2) or execve(2) says: the last comes back
/// through a pipe.
pub fn start(program: Program, consoles: &Consoles) -> Result<Running, Errno> {
    let keys = match program {
        Program::Agent | Program::Migration => Keys::Plain,
        Program::Console => Keys::Signals,
    };
    let pty = Pty::open(consoles.size(), keys)?;
    let (failure, report) = pipe_with(PipeFlags::CLOEXEC)?;
    let Some(pid) = kernel::fork()? else {
        let error = become_program(program, pty, consoles.has_screen());
        let _ = rustix::io::write(&report, &error.raw_os_error().to_ne_bytes());
        kernel::exit(127)
    };
    drop(report);
    let mut errno = [0; 4];
    // Returns when exec has closed the pipe, or the child has ended.
    while let Err(Errno::INTR) = rustix::io::read(&failure, &mut errno) {}
    match i32::from_ne_bytes(errno) {
        0 => Ok(Running { program, pid, pty }),
        errno => Err(Errno::from_raw_os_error(errno)),
    }
}

/// The child's part; returns only when it failed.
fn become_program(program: Program, pty: Pty, screen: bool) -> Errno {
    if let Err(error) = pty.attach() {
        return error;
    }
    signal::reset_in_child();
    let arguments: &[&CStr] = match program {
        Program::Agent => &[c"replant", c"tiny"],
        Program::Console => &[c"replant", c"console"],
        Program::Migration => &[c"replant", c"migrate"],
    };
    let terminal = if screen { c"TERM=linux" } else { c"TERM=vt220" };
    let environment = [c"HOME=/", c"PATH=/bin:/sbin:/usr/bin:/usr/sbin", terminal];
    kernel::exec(PATH, arguments, &environment)
}
