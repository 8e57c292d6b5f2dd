// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts `/init` and `replant` into `replant-pack`, so that it is one file to
//! install: those in the directory that `REPLANT_EMBED_DIR` names. Without it
//! they are given on the command line.

use std::env;
use std::fs;
use std::io::{Error, Result};
use std::path::PathBuf;

fn main() -> Result<()> {
    println!("cargo::rerun-if-env-changed=REPLANT_EMBED_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").ok_or_else(|| Error::other("no OUT_DIR"))?;
    let from = env::var_os("REPLANT_EMBED_DIR").filter(|dir| !dir.is_empty());
    let mut text = String::new();
    for (constant, name) in [("INIT", "init"), ("REPLANT", "replant")] {
        let value = match &from {
            Some(dir) => {
                let path = fs::canonicalize(PathBuf::from(dir).join(name))?;
                println!("cargo::rerun-if-changed={}", path.display());
                format!("Some(include_bytes!({path:?}))")
            }
            None => "None".into(),
        };
        text += &format!("const {constant}: Option<&[u8]> = {value};\n");
    }
    fs::write(PathBuf::from(out).join("embedded.rs"), text)
}
