// SPDX-License-Identifier: MIT OR Apache-2.0
//! `memcpy` and `memmove` of musl builds.
//!
//! musl's own are written for size (`rep movsq`) and start slowly, which
//! costs a decoder that copies a few bytes at a time a fifth of its time.
//! These use the 16-byte registers that every x86_64 has. They take the
//! place of musl's, because a program's own symbols come before a library's;
//! both are needed, for musl's `memmove` would bring its `memcpy` along.
//!
//! All loads and stores are assembly: the compiler may turn what looks like a
//! copying loop into a call of memcpy, which would be this one.

use core::arch::asm;

/// Copies `size` bytes; the two places may overlap in any way.
///
/// # Safety
/// `src` must be readable and `dst` writable for `size` bytes.
#[inline(always)]
unsafe fn copy(dst: *mut u8, src: *const u8, size: usize) {
    // SAFETY (of every block below): loads and stores lie within the `size`
    // bytes that the caller vouches for, and everything that a store could
    // overwrite is loaded before it.
    match size {
        0 => {}
        // SAFETY: one byte.
        1 => unsafe {
            asm!("mov {x}, byte ptr [{s}]", "mov byte ptr [{d}], {x}",
                x = out(reg_byte) _, s = in(reg) src, d = in(reg) dst,
                options(nostack, preserves_flags))
        },
        // SAFETY: the first two bytes and the last two.
        2..=3 => unsafe {
            asm!("mov {x:x}, word ptr [{s}]", "mov {y:x}, word ptr [{s} + {n} - 2]",
                "mov word ptr [{d}], {x:x}", "mov word ptr [{d} + {n} - 2], {y:x}",
                x = out(reg) _, y = out(reg) _, s = in(reg) src, d = in(reg) dst, n = in(reg) size,
                options(nostack, preserves_flags))
        },
        // SAFETY: the first four bytes and the last four.
        4..=7 => unsafe {
            asm!("mov {x:e}, dword ptr [{s}]", "mov {y:e}, dword ptr [{s} + {n} - 4]",
                "mov dword ptr [{d}], {x:e}", "mov dword ptr [{d} + {n} - 4], {y:e}",
                x = out(reg) _, y = out(reg) _, s = in(reg) src, d = in(reg) dst, n = in(reg) size,
                options(nostack, preserves_flags))
        },
        // SAFETY: the first eight bytes and the last eight.
        8..=15 => unsafe {
            asm!("mov {x}, qword ptr [{s}]", "mov {y}, qword ptr [{s} + {n} - 8]",
                "mov qword ptr [{d}], {x}", "mov qword ptr [{d} + {n} - 8], {y}",
                x = out(reg) _, y = out(reg) _, s = in(reg) src, d = in(reg) dst, n = in(reg) size,
                options(nostack, preserves_flags))
        },
        // SAFETY: the first 16 bytes and the last 16.
        16..=32 => unsafe {
            asm!("movups {x}, [{s}]", "movups {y}, [{s} + {n} - 16]",
                "movups [{d}], {x}", "movups [{d} + {n} - 16], {y}",
                x = out(xmm_reg) _, y = out(xmm_reg) _, s = in(reg) src, d = in(reg) dst,
                n = in(reg) size, options(nostack, preserves_flags))
        },
        // SAFETY: the first 32 bytes and the last 32.
        33..=64 => unsafe {
            asm!("movups {x}, [{s}]", "movups {y}, [{s} + 16]",
                "movups {z}, [{s} + {n} - 32]", "movups {w}, [{s} + {n} - 16]",
                "movups [{d}], {x}", "movups [{d} + 16], {y}",
                "movups [{d} + {n} - 32], {z}", "movups [{d} + {n} - 16], {w}",
                x = out(xmm_reg) _, y = out(xmm_reg) _, z = out(xmm_reg) _, w = out(xmm_reg) _,
                s = in(reg) src, d = in(reg) dst, n = in(reg) size,
                options(nostack, preserves_flags))
        },
        // Forwards, unless the target begins within the source.
        // SAFETY: 64 bytes at a time while more than 64 are left; the last 64
        // were loaded at first and are stored at last.
        _ if dst.addr().wrapping_sub(src.addr()) >= size => unsafe {
            asm!("movups {e}, [{s} + {n} - 64]", "movups {f}, [{s} + {n} - 48]",
                "movups {g}, [{s} + {n} - 32]", "movups {h}, [{s} + {n} - 16]",
                "lea {end}, [{d} + {n} - 64]",
                "2:",
                "movups {x}, [{s}]", "movups {y}, [{s} + 16]",
                "movups {z}, [{s} + 32]", "movups {w}, [{s} + 48]",
                "movups [{d}], {x}", "movups [{d} + 16], {y}",
                "movups [{d} + 32], {z}", "movups [{d} + 48], {w}",
                "add {s}, 64", "add {d}, 64",
                "cmp {d}, {end}", "jb 2b",
                "movups [{end}], {e}", "movups [{end} + 16], {f}",
                "movups [{end} + 32], {g}", "movups [{end} + 48], {h}",
                x = out(xmm_reg) _, y = out(xmm_reg) _, z = out(xmm_reg) _, w = out(xmm_reg) _,
                e = out(xmm_reg) _, f = out(xmm_reg) _, g = out(xmm_reg) _, h = out(xmm_reg) _,
                end = out(reg) _, s = inout(reg) src => _, d = inout(reg) dst => _, n = in(reg) size,
                options(nostack))
        },
        // Backwards.
        // SAFETY: 64 bytes at a time while more than 64 are left; the first
        // 64 were loaded at first and are stored at last.
        _ => unsafe {
            asm!("movups {e}, [{s}]", "movups {f}, [{s} + 16]",
                "movups {g}, [{s} + 32]", "movups {h}, [{s} + 48]",
                "2:",
                "movups {x}, [{s} + {n} - 64]", "movups {y}, [{s} + {n} - 48]",
                "movups {z}, [{s} + {n} - 32]", "movups {w}, [{s} + {n} - 16]",
                "movups [{d} + {n} - 64], {x}", "movups [{d} + {n} - 48], {y}",
                "movups [{d} + {n} - 32], {z}", "movups [{d} + {n} - 16], {w}",
                "sub {n}, 64",
                "cmp {n}, 64", "ja 2b",
                "movups [{d}], {e}", "movups [{d} + 16], {f}",
                "movups [{d} + 32], {g}", "movups [{d} + 48], {h}",
                x = out(xmm_reg) _, y = out(xmm_reg) _, z = out(xmm_reg) _, w = out(xmm_reg) _,
                e = out(xmm_reg) _, f = out(xmm_reg) _, g = out(xmm_reg) _, h = out(xmm_reg) _,
                s = in(reg) src, d = in(reg) dst, n = inout(reg) size => _,
                options(nostack))
        },
    }
}

/// C's memcpy.
///
/// # Safety
/// As in C: `src` readable, `dst` writable for `size` bytes.
#[cfg(target_env = "musl")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(dst: *mut u8, src: *const u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { copy(dst, src, size) };
    dst
}

/// C's memmove.
///
/// # Safety
/// As in C: `src` readable, `dst` writable for `size` bytes.
#[cfg(target_env = "musl")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(dst: *mut u8, src: *const u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { copy(dst, src, size) };
    dst
}

#[cfg(test)]
mod tests {
    use super::copy;

    fn pattern(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i * 7 + i / 256) as u8).collect()
    }

    /// Moves within one buffer and compares with `copy_within`.
    fn check(size: usize, from: usize, to: usize) {
        let mut ours = pattern(from.max(to) + size + 16);
        let mut right = ours.clone();
        right.copy_within(from..from + size, to);
        // SAFETY: both places lie within the buffer.
        unsafe {
            let start = ours.as_mut_ptr();
            copy(start.add(to), start.add(from), size);
        }
        assert!(ours == right, "{size} bytes from {from} to {to}");
    }

    #[test]
    fn every_size_and_alignment_without_overlap() {
        for size in 0..300 {
            for from in 0..16 {
                for to in 0..16 {
                    check(size, from, 320 + to);
                    check(size, 320 + from, to);
                }
            }
        }
    }

    #[test]
    fn every_overlap() {
        for size in 0..260 {
            for distance in 0..=size + 1 {
                check(size, 8, 8 + distance);
                check(size, 8 + distance, 8);
            }
        }
    }

    #[test]
    fn big_ones() {
        for size in [4096, 65_536 + 13, 1 << 20] {
            for distance in [0, 1, 15, 16, 63, 64, 65, 4096, size - 1, size] {
                check(size, 3, 3 + distance);
                check(size, 3 + distance, 3);
            }
        }
    }
}
