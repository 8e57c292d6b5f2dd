// SPDX-License-Identifier: MIT OR Apache-2.0
//! The archive of `make dist`, here of the program that the tests have.

use super::bench::Bench;

#[test]
fn the_archive_has_all_to_install_and_is_always_the_same() {
    let bench = Bench::new();
    let line = format!(
        "sh {}/dist.sh {} ",
        env!("CARGO_MANIFEST_DIR"),
        env!("CARGO_BIN_EXE_replant-pack")
    );
    let one = bench.shell(&format!("{line} one"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(one, format!("one/replant-{version}-x86_64.tar.gz\n"));
    bench.shell(&format!(
        "TMPDIR=$PWD {line} two >&2; cmp one/*.gz two/*.gz; tar -xzf one/*.gz"
    ));
    let files = bench.shell(
        "cd replant-*; sha256sum -c SHA256SUMS | sed 's/: OK$//'; ls -l replant-pack | cut -c1-10",
    );
    for name in [
        "./replant-pack\n",
        "./man/replant-pack.1\n",
        "./man/replant.8\n",
        "./completions/replant-pack.bash\n",
        "./completions/replant-pack.zsh\n",
        "./completions/replant-pack.fish\n",
        "-rwxr-xr-x\n",
    ] {
        assert!(files.contains(name), "{name}: {files}");
    }
    bench.shell("bash -n replant-*/completions/replant-pack.bash");
}
