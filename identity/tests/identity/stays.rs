// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the machine beside its files goes into the saved identity,
//! and file systems that stay into the new system.

use super::support::{Places, read, write};
use identity::mounts::{Place, collect};
use identity::{Machine, Policy, apply, load, losses, save_with};

#[test]
fn file_systems_stay_mounted_unless_the_package_says_no() {
    testkit::needs!("root");
    let places = Places::new();
    let (old, new) = (&places.old, &places.new);
    write(old, "etc/passwd", "root:x:0:0::/root:/bin/bash\n");
    write(
        old,
        "etc/fstab",
        "UUID=1 / ext4 defaults 0 1\nUUID=2 /srv/pool xfs defaults 0 2\n",
    );
    write(old, "etc/cron.d/own", "@daily root x\n");
    let place = |source: &str| match source {
        "UUID=1" => Place::Lost,
        _ => Place::Stays(None),
    };
    let (mounts, _) = collect(old, &place, &[]).unwrap();
    let look = losses::Machine {
        mounts: Vec::new(),
        rpm: None,
        clock: &|| 0,
    };
    let machine = Machine {
        losses: losses::find(old, &look),
        mounts,
        ..Machine::default()
    };
    save_with(old, None, machine.clone(), &places.saved).unwrap();
    let saved = load(&places.saved).unwrap();
    assert_eq!(
        (&saved.mounts, &saved.losses),
        (&machine.mounts, &machine.losses)
    );
    assert!(
        saved.losses.iter().any(|l| l.what == "/etc/cron.d/own"),
        "{saved:?}"
    );
    let own = "UUID=9 / ext4 defaults 0 1\n";
    write(new, "etc/fstab", own);
    let no = Policy {
        mounts: false,
        ..Policy::default()
    };
    apply(&places.saved, new, &no).unwrap();
    assert_eq!(read(new, "etc/fstab"), own);
    apply(&places.saved, new, &Policy::default()).unwrap();
    let text = read(new, "etc/fstab");
    assert!(
        text.ends_with("\nUUID=2 /srv/pool xfs nofail 0 2\n"),
        "{text}"
    );
    assert!(new.join("srv/pool").is_dir());
}
