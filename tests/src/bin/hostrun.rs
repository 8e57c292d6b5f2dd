// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a shell script in the virtual machine of `harness::hostroot`:
//! `hostrun SCRIPT [DISK...]`.

use std::path::Path;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (script, disks) = arguments.split_first().expect("a script");
    let script = std::fs::read_to_string(script).expect("a readable script");
    let disks: Vec<&Path> = disks.iter().map(Path::new).collect();
    let outcome = harness::hostroot::run(&script, &disks, Duration::from_secs(600));
    print!("{}", outcome.output);
    std::process::exit(outcome.status);
}
