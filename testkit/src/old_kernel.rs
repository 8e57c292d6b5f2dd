// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel that has no more system calls than Linux 3.10.

use std::path::Path;
use std::process::Command;

/// Puts a filter on, and becomes the program that its arguments name. perl is
/// on every Debian, and calls what no crate of a test may (`unsafe`).
///
/// Numbers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl): the last
/// call of 3.10 is finit_module, 313, and each newer one has a higher number:
/// renameat2 316, getrandom 318, memfd_create 319, execveat 322,
/// copy_file_range 326, preadv2 327, statx 332, all of pidfd from 424 on,
/// clone3 435, close_range 436, openat2 437, faccessat2 439. The filter is the
/// one of seccomp(2): LD the number, JGE 314, RET ERRNO ENOSYS, RET ALLOW.
const FILTER: &str = r#"
my $code = pack("S C C L" x 4,
    0x20, 0, 0, 0,  0x35, 0, 1, 314,  0x06, 0, 0, 0x00050026,  0x06, 0, 0, 0x7fff0000);
my $program = pack("S x6 Q", 4, unpack("Q", pack("p", $code)));
syscall(157, 38, 1, 0, 0, 0) == 0 or die "PR_SET_NO_NEW_PRIVS: $!";
syscall(157, 22, 2, $program, 0, 0) == 0 or die "PR_SET_SECCOMP: $!";
my $bytes = "\0" x 8;
syscall(318, $bytes, 8, 0) == -1 && $! == 38 or die "there is getrandom still";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!";
"#;

/// A command that runs the program as on Linux 3.10: what is newer ends with
/// ENOSYS. Needs `perl`.
pub fn on_linux_3_10(program: &Path) -> Command {
    let mut command = Command::new("perl");
    command.args(["-e", FILTER, "--"]).arg(program);
    command
}
