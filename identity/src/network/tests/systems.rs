// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole old systems (tests/fixtures/systems), each with what becomes of it.

use super::*;

#[test]
fn whole_systems() {
    let mut systems = 0;
    for entry in std::fs::read_dir(fixture("../systems")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        systems += 1;
        let name = format!("../systems/{}", path.file_name().unwrap().display());
        let kernel = path.join("live").exists();
        let kernel = kernel.then(|| live(&format!("{name}/live")));
        let (network, warnings) = carried(&format!("{name}/old"), kernel.as_ref());
        for (manager, file) in [("networkd", "networkd.txt"), ("nm", "keyfile.txt")] {
            let mut text = String::new();
            let mut said = warnings.clone();
            for i in &network.interfaces {
                let (own, more) = written(&network, manager, &i.name);
                text.push_str(&format!("==> {}\n{own}", i.name));
                // Each has those of all interfaces.
                said.extend(
                    more.into_iter()
                        .filter(|w| w.starts_with(&format!("{}:", i.name))),
                );
            }
            let said: String = said.iter().map(|w| format!("! {w}\n")).collect();
            let got = said + &text;
            let golden = path.join(file);
            if std::env::var_os("REPLANT_WRITE_GOLDEN").is_some() {
                std::fs::write(&golden, &got).unwrap();
            }
            assert_eq!(got, std::fs::read_to_string(&golden).unwrap(), "{golden:?}");
        }
    }
    assert_eq!(systems, 11);
}
