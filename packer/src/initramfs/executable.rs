// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a program can run where there is nothing beside it.

/// Program header type of the path of the dynamic linker.
const PT_INTERP: u32 = 3;

/// Checks that `file` is an x86_64 ELF executable without an interpreter. With
/// one the kernel would find /init, not be able to start it, and panic.
pub fn check(file: &[u8]) -> Result<(), &'static str> {
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = file.get(at..at.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    };
    if file.get(..6) != Some(b"\x7fELF\x02\x01") || number(18, 2) != Some(62) {
        return Err("it is no x86_64 ELF program");
    }
    let cut = "its ELF header is cut off";
    let table = number(32, 8)
        .and_then(|at| usize::try_from(at).ok())
        .ok_or(cut)?;
    let size = number(54, 2).ok_or(cut)? as usize;
    let count = number(56, 2).ok_or(cut)? as usize;
    for entry in 0..count {
        let at = entry
            .checked_mul(size)
            .and_then(|at| at.checked_add(table))
            .ok_or(cut)?;
        if number(at, 4).ok_or(cut)? == u64::from(PT_INTERP) {
            return Err("it is linked dynamically and there are no libraries; link it statically");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_dynamic_and_text_is_no_program() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(check(&this).unwrap_err().contains("linked dynamically"));
        assert!(check(b"#!/bin/sh\n").unwrap_err().contains("no x86_64"));
        assert!(check(&this[..60]).unwrap_err().contains("cut off"));
        let mut none = this.clone();
        // No program headers, so no interpreter.
        none[56..58].fill(0);
        assert_eq!(check(&none), Ok(()));
    }
}
