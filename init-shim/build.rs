// SPDX-License-Identifier: MIT OR Apache-2.0
//! Links /init by the workspace's link.ld, without a C library and its start files.

fn main() {
    println!("cargo:rerun-if-changed=../link.ld");
    // Only a build that aborts on panic is the real /init (see main.rs).
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let script = format!("-Wl,-T,{here}/../link.ld");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        "-Wl,--no-eh-frame-hdr",
        "-Wl,-z,norelro",
        script.as_str(),
    ] {
        println!("cargo:rustc-link-arg-bin=init={argument}");
    }
}
