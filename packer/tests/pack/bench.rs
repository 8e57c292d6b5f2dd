// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory to run `replant-pack` in, and what it is given.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use testkit::{Kernel, Random, run};

/// The kernel, which is in the cache or is fetched.
pub fn kernel() -> &'static Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    KERNEL.get_or_init(testkit::kernel)
}

/// A static program's header, then `length` bytes that do not compress.
pub fn program(length: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18] = 62;
    bytes.extend(Random(1).bytes(length.saturating_sub(bytes.len())));
    bytes
}

/// A kernel image that is nothing but its header.
pub fn vmlinuz(version: &str) -> Vec<u8> {
    let mut bytes = vec![0u8; 0x400];
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x20f] = 2;
    bytes.extend_from_slice(format!("{version} (nobody) #1\0").as_bytes());
    bytes
}

/// The directory; `init` and `replant` are in it.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("init"), program(50_000)).unwrap();
        // The most that replant may have.
        fs::write(dir.path().join("replant"), program(2 << 20)).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `replant-pack` with the words of `line`, in the directory.
    pub fn pack(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_replant-pack"))
            .args(line.split_whitespace())
            .current_dir(self.dir.path())
            .output()
            .unwrap()
    }

    /// The same; what it prints.
    pub fn packs(&self, line: &str) -> String {
        let out = self.pack(line);
        assert!(
            out.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// The same, and it fails; the one line of the error.
    pub fn fails(&self, line: &str) -> String {
        let out = self.pack(line);
        assert_eq!(out.status.code(), Some(1), "{line}");
        let text = String::from_utf8(out.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        text.trim_end().to_owned()
    }

    /// The same, and the error says this.
    #[track_caller]
    pub fn refuses(&self, line: &str, words: &str) {
        let output = self.fails(line);
        assert!(output.contains(words), "{output}");
    }

    /// Runs a script in the directory; what it prints.
    pub fn shell(&self, script: &str) -> String {
        run(Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.dir.path())
            .env("KERNEL", &kernel().root)
            .env("VERSION", &kernel().version))
    }

    /// Makes `root/usr/lib/modules/VERSION` with the closure of these modules, each
    /// file packed by `packer`, and the link from `lib` that distributions have.
    pub fn tree(&self, modules: &str, packer: &str, suffix: &str) {
        self.shell(&format!(
            "rm -rf root; mkdir -p root/usr/lib/modules/$VERSION; ln -s usr/lib root/lib
             from=$KERNEL/lib/modules/$VERSION; to=root/lib/modules/$VERSION
             for m in {modules}; do
                 for f in $(modprobe -C /dev/null -d \"$KERNEL\" -S $VERSION --show-depends $m | sed -n 's/^insmod //p'); do
                     t=$to/${{f#*/lib/modules/$VERSION/}}; t=${{t%.ko}}.{suffix}
                     mkdir -p ${{t%/*}}; {packer} <$f >$t
                 done
             done
             cp $from/modules.builtin $from/modules.builtin.modinfo $from/modules.order $to/"
        ));
    }
}
