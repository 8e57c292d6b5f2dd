// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls that rustix has no public function for: fork, exec, signals.

use core::ffi::CStr;

use rustix::fd::{FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Pid;
use syscalls::{Sysno, syscall};

fn errno(error: syscalls::Errno) -> Errno {
    Errno::from_raw_os_error(error.into_raw())
}

/// fork(2): the child's pid, or `None` in the child.
///
/// # Errors
///
/// EAGAIN, ENOMEM.
pub fn fork() -> Result<Option<Pid>, Errno> {
    const SIGCHLD: usize = 17;
    // SAFETY: clone(2) with a zero stack and no flags is fork(2): the child
    // goes on with a copy of all memory. This program has one thread and no
    // C library, so there is no state that the copy could break.
    let pid = unsafe { syscall!(Sysno::clone, SIGCHLD, 0, 0, 0, 0) }.map_err(errno)?;
    Ok(Pid::from_raw(pid as i32))
}

/// Most arguments or environment words of a program that is started.
pub const WORDS: usize = 8;

/// execve(2); it only returns when it failed.
///
/// Words beyond [`WORDS`] are left out.
pub fn exec(path: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    fn vector(words: &[&CStr]) -> [*const u8; WORDS + 1] {
        let mut vector = [core::ptr::null(); WORDS + 1];
        for (slot, word) in vector.iter_mut().take(WORDS).zip(words) {
            *slot = word.as_ptr().cast();
        }
        vector
    }
    let argv = vector(arguments);
    let envp = vector(environment);
    // SAFETY: all three are NUL-terminated, the vectors end with a null
    // pointer, and everything outlives the call.
    match unsafe { syscall!(Sysno::execve, path.as_ptr(), argv.as_ptr(), envp.as_ptr()) } {
        Ok(_) => Errno::IO,
        Err(error) => errno(error),
    }
}

/// exit_group(2).
pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: it ends the process; the loop is for a kernel that would not.
        let _ = unsafe { syscall!(Sysno::exit_group, status) };
    }
}

pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;
pub const SIGCONT: i32 = 18;
pub const SIGSTOP: i32 = 19;

/// kill(2) of every process but this one.
pub fn signal_everybody(signal: i32) {
    // SAFETY: a plain system call. ESRCH (no process left) is no error here:
    // the caller waits for its children.
    let _ = unsafe { syscall!(Sysno::kill, -1_isize, signal) };
}

/// Milliseconds since some point in the past, never running backwards.
pub fn milliseconds() -> u64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = [0_i64; 2];
    // SAFETY: `time` is a timespec of two 64-bit words. The call cannot fail
    // for this clock, and would leave zeros.
    let _ = unsafe { syscall!(Sysno::clock_gettime, CLOCK_MONOTONIC, time.as_mut_ptr()) };
    let [seconds, nanoseconds] = time;
    (seconds as u64)
        .wrapping_mul(1000)
        .wrapping_add(nanoseconds as u64 / 1_000_000)
}

/// Sleeps.
pub fn pause(milliseconds: u64) {
    let end = self::milliseconds().saturating_add(milliseconds);
    while self::milliseconds() < end {
        let pause = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        let _ = rustix::event::poll(&mut [], Some(&pause));
    }
}

/// A set of signals, as rt_sigprocmask(2) takes it: bit N-1 for signal N.
pub type Mask = u64;

/// Replaces the set of blocked signals.
pub fn block(mask: Mask) {
    const SIG_SETMASK: usize = 2;
    let set: *const Mask = &mask;
    // SAFETY: an 8 byte set is read, nothing is written (null old set).
    let _ = unsafe {
        syscall!(
            Sysno::rt_sigprocmask,
            SIG_SETMASK,
            set,
            0,
            size_of::<Mask>()
        )
    };
}

/// signalfd(2), non-blocking and closed on exec.
///
/// # Errors
///
/// EMFILE, ENOMEM.
pub fn signal_descriptor(mask: Mask) -> Result<OwnedFd, Errno> {
    const SFD_NONBLOCK_CLOEXEC: usize = 0o2004000;
    let set: *const Mask = &mask;
    // SAFETY: an 8 byte set is read.
    let fd = unsafe {
        syscall!(
            Sysno::signalfd4,
            -1_isize,
            set,
            size_of::<Mask>(),
            SFD_NONBLOCK_CLOEXEC
        )
    }
    .map_err(errno)?;
    // SAFETY: the kernel just made this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The kernel's own layout of `struct sigaction` on x86_64.
#[repr(C)]
struct Action {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: Mask,
}

const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESTORER: u64 = 0x0400_0000;

fn set_action(number: i32, action: &Action) {
    let action: *const Action = action;
    // SAFETY: the kernel reads one struct sigaction with an 8 byte mask.
    let _ = unsafe { syscall!(Sysno::rt_sigaction, number, action, 0, size_of::<Mask>()) };
}

/// Runs `handler` on the alternate stack when signal `number` comes.
///
/// `handler` must never return: there is no way back from a fault here.
pub fn catch(number: i32, handler: extern "C" fn(i32) -> !) {
    // The kernel wants a restorer on x86_64 before it builds a signal frame;
    // as no handler returns, it is never run.
    let handler = handler as usize;
    let flags = SA_ONSTACK | SA_NODEFER | SA_RESTORER;
    set_action(
        number,
        &Action {
            handler,
            flags,
            restorer: handler,
            mask: 0,
        },
    );
}

/// Gives signal `number` its default action back.
pub fn default_action(number: i32) {
    set_action(
        number,
        &Action {
            handler: 0,
            flags: 0,
            restorer: 0,
            mask: 0,
        },
    );
}

/// sigaltstack(2): the stack of [`catch`]ed signals.
pub fn alternate_stack(base: *mut u8, length: usize) {
    #[repr(C)]
    struct Stack {
        base: *mut u8,
        flags: i32,
        length: usize,
    }
    let stack = Stack {
        base,
        flags: 0,
        length,
    };
    let stack: *const Stack = &stack;
    // SAFETY: the kernel reads one stack_t. The memory is used when a signal
    // comes; the only caller hands over a static.
    let _ = unsafe { syscall!(Sysno::sigaltstack, stack, 0) };
}
