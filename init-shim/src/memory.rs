// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions that compiled code calls without being asked. `rep` keeps the
//! compiler from turning them into calls of themselves.

use core::arch::asm;

/// memcpy(3)
///
/// # Safety
///
/// As in C: both ranges are valid and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's ranges; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

/// memmove(3)
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= length {
        // SAFETY: the target starts before the source or behind its end, so
        // that copying upwards reads each byte before it is overwritten.
        return unsafe { memcpy(to, from, length) };
    }
    // SAFETY: the caller's ranges, copied downwards; the direction flag is
    // clear again afterwards, as the ABI wants it. An overlap with the target
    // behind the source means a length of at least 1.
    unsafe {
        let (last_to, last_from) = (to.wrapping_add(length - 1), from.wrapping_add(length - 1));
        asm!("std", "rep movsb", "cld", inout("rcx") length => _, inout("rdi") last_to => _,
            inout("rsi") last_from => _, options(nostack));
    }
    to
}

/// memset(3)
///
/// # Safety
///
/// As in C: the range is valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    // SAFETY: the caller's range; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") length => _, inout("rdi") to => _, in("al") byte as u8,
            options(nostack, preserves_flags));
    }
    to
}

/// memcmp(3)
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    let mut index = 0;
    while index < length {
        // SAFETY: `index` is inside of the caller's ranges. Volatile, or the
        // compiler may see a memcmp here.
        let (a, b) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
        index += 1;
    }
    0
}

/// bcmp(3)
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's ranges.
    unsafe { memcmp(a, b, length) }
}

/// strlen(3)
///
/// # Safety
///
/// As in C: a NUL is there.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: every byte up to the NUL is valid. Volatile, or the compiler may
    // see a strlen here.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
