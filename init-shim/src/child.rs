// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting /bin/replant.

use core::ffi::CStr;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use crate::consoles::Consoles;
use crate::link::{Keys, Link, Side};
use crate::status::Program;
use crate::{kernel, link, signal};

const PATH: &CStr = c"/bin/replant";

/// Starts `program` with its standard descriptors on a connection to the
/// consoles, as the leader of a session of its own.
///
/// # Errors
///
/// What fork(2) or execve(2) says: the latter comes back through a pipe.
pub fn start(program: Program, consoles: &Consoles) -> Result<(Pid, Link), Errno> {
    let keys = match program {
        Program::Agent => Keys::Plain,
        Program::Console => Keys::Signals,
    };
    let (link, side) = link::open(consoles.size(), keys)?;
    let (verdict, tell) = pipe_with(PipeFlags::CLOEXEC)?;
    let Some(pid) = kernel::fork()? else {
        // Only the program's own side is to reach the program.
        drop(link);
        let error = become_program(program, side, consoles.has_screen());
        let _ = rustix::io::write(&tell, &error.raw_os_error().to_ne_bytes());
        kernel::exit(127)
    };
    drop((side, tell));
    let mut errno = [0; 4];
    // Ends with exec, which closes the pipe, or with the child.
    while let Err(Errno::INTR) = rustix::io::read(&verdict, &mut errno) {}
    match i32::from_ne_bytes(errno) {
        0 => Ok((pid, link)),
        errno => Err(Errno::from_raw_os_error(errno)),
    }
}

/// The child's part; returns only when it failed.
fn become_program(program: Program, side: Side, screen: bool) -> Errno {
    if let Err(error) = connect(side) {
        return error;
    }
    signal::reset_in_child();
    let word = match program {
        Program::Agent => c"tiny",
        Program::Console => c"console",
    };
    let terminal = if screen { c"TERM=linux" } else { c"TERM=vt220" };
    let environment = [c"HOME=/", c"PATH=/bin:/sbin:/usr/bin:/usr/sbin", terminal];
    kernel::exec(PATH, &[c"replant", word], &environment)
}

fn connect(side: Side) -> Result<(), Errno> {
    rustix::process::setsid()?;
    match side {
        Side::Terminal(slave) => {
            rustix::process::ioctl_tiocsctty(&slave)?;
            rustix::stdio::dup2_stdin(&slave)?;
            rustix::stdio::dup2_stdout(&slave)?;
            rustix::stdio::dup2_stderr(&slave)
        }
        Side::Pipes(stdin, stdout) => {
            rustix::stdio::dup2_stdin(&stdin)?;
            rustix::stdio::dup2_stdout(&stdout)?;
            rustix::stdio::dup2_stderr(&stdout)
        }
    }
}
