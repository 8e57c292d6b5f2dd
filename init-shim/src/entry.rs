// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the kernel starts this program, and where a panic ends.

use core::ffi::{CStr, c_char};
use core::fmt::Write;
use core::panic::PanicInfo;

// The stack pointer is all that the kernel hands over (System V ABI for
// x86-64, 3.4.1): argument count, arguments, null, environment, null. It is 16
// byte aligned here, and has to be so before a call.
core::arch::global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "call {start}",
    "ud2",
    start = sym start,
);

extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: the first word of the initial stack is the argument count.
    let count = unsafe { stack.read() };
    let arguments = (1..=count).map(|index| {
        // SAFETY: `count` pointers to NUL-terminated strings follow the count
        // and live as long as the process.
        unsafe { CStr::from_ptr(stack.add(index).read() as *const c_char) }
    });
    init_shim::boot::run(arguments)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut text = heapless::String::<300>::new();
    let _ = write!(text, "/init failed: {}", info.message());
    if let Some(location) = info.location() {
        let _ = write!(text, " ({}:{})", location.file(), location.line());
    }
    init_shim::takeover::restart(&text)
}
