// SPDX-License-Identifier: MIT OR Apache-2.0
//! Identifiers and names.

use ondisk::gpt::{Guid, Name};
use ondisk::lvm::{Uuid, check_lv_name, dm_name};

use testkit::Target;

#[test]
fn identifiers() {
    let target = Target {
        name: "identifiers",
        samples: [
            "ECAB40BF-AD09-49DE-B591-C5D7CF0662CD",
            "6UptPU-03J6-7xFo-nqv0-01Mh-yTb3-VO5ptC",
            "6UptPU03J67xFonqv001MhyTb3VO5ptC",
            "my-vg--01",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        words: b"-~+~\xc3\xa9~_tdata~/~..",
        hot: vec![],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let guid = text.parse::<Guid>();
        if let Ok(guid) = &guid {
            assert_eq!(guid.to_string(), text.to_uppercase());
        }
        let uuid = Uuid::parse(&text);
        if let Ok(uuid) = &uuid {
            assert_eq!(Uuid::parse(&uuid.to_string()), Ok(*uuid));
            assert_eq!(Uuid::from_compact(uuid.as_bytes()), Ok(*uuid));
        }
        if let Ok(name) = dm_name(&text, "a-b") {
            assert!(name.len() <= 127 && !name.contains('/'));
        }
        let name = Name::new(&text);
        if let Ok(name) = &name {
            let shown = name.to_string();
            assert_eq!(Some(shown.as_str()), text.split('\0').next());
        }
        guid.is_ok() || uuid.is_ok() || check_lv_name(&text).is_ok()
    });
    tally.at_least(1000, 1000);
}
