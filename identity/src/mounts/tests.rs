// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which lines of an old fstab stay, and what becomes of the others.

use super::collect::pick;
use super::*;
use crate::report::Report;
use crate::tests::tree;
use ondisk::fstab;
use testkit::Target;

/// sdb is another disk, and sda the one that is replaced.
fn place(source: &str) -> Place {
    match source {
        "/dev/sdb1" => Place::Stays(Some("0a1b".into())),
        "UUID=data" | "LABEL=data disk" | "/dev/mapper/vg2-data" | "/dev/mapper/secret" => {
            Place::Stays(None)
        }
        "/dev/sdb9" => Place::Stays(None),
        "UUID=root" | "/dev/sda5" => Place::Lost,
        _ => Place::Absent,
    }
}

const OLD: &str = "# old\n\
    UUID=root / ext4 defaults 0 1\n\
    /dev/sda5 /data ext4 defaults 0 2\n\
    UUID=data /srv/my\\040data xfs defaults,noatime 0 2\n\
    /dev/sdb1 /backup ext4 fail\n\
    LABEL=data\\040disk /mnt/label ext4 x-systemd.device-timeout=5s,nofail 0 0\n\
    /dev/mapper/vg2-data /home ext4 defaults 0 2\r\n\
    nas:/export /mnt/nas nfs4 rw,hard,_netdev 0 0\n\
    //srv/share /mnt/s cifs credentials=/root/.c,_netdev 0 0\n\
    tmpfs /tmp tmpfs defaults 0 0\n\
    proc /proc proc defaults 0 0\n\
    /srv/a /export/a none bind 0 0\n\
    UUID=gone /usb ext4 noauto 0 0\n\
    /dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n\
    UUID=data /var/lib ext4 defaults 0 2\n\
    /dev/mapper/secret /secret ext4 defaults 0 2\n\
    /swapfile none swap sw 0 0\n\
    /dev/sdb9 none swap sw 0 0\n\
    tmpfs /srv/cache tmpfs size=1g 0 0\n\
    LABEL\u{0} /x\n";

fn picked(report: &mut Report) -> Vec<Kept> {
    pick(OLD.as_bytes(), "secret UUID=x none\n", &place, report)
}

#[test]
fn what_stays_is_kept_and_the_rest_is_named() {
    let mut report = Report::default();
    let lines: Vec<String> = picked(&mut report).iter().map(Kept::line).collect();
    assert_eq!(
        lines,
        [
            "UUID=data /srv/my\\040data xfs noatime,nofail 0 2",
            "UUID=0a1b /backup ext4 nofail 0 0",
            "LABEL=data\\040disk /mnt/label ext4 x-systemd.device-timeout=5s,nofail 0 0",
            "/dev/mapper/vg2-data /home ext4 nofail 0 2",
            "nas:/export /mnt/nas nfs4 rw,hard,_netdev,nofail 0 0",
            "//srv/share /mnt/s cifs credentials=/root/.c,_netdev,nofail 0 0",
            "/dev/sdb9 none swap sw,nofail 0 0",
        ]
    );
    let warnings = report.warnings.join("\n");
    for part in [
        "(line 12) is not carried over: it shows a directory",
        "(line 13) is not carried over: its device is not there now",
        "(line 15) is not carried over: /var/lib is the new system's own",
        "(line 16) is not carried over: etc/crypttab",
        "needs credentials=/root/.c",
        "(line 18) is carried over by that name",
        "(line 19) is not carried over: it lies in memory",
        "line 20 has a NUL byte",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    assert_eq!(report.warnings.len(), 8, "{warnings}");
}

#[test]
fn what_is_mounted_without_a_line_is_named() {
    let (top, _root) = tree(&[("etc/fstab", OLD)]);
    let mount = |source: &str, target: &str| Mounted {
        source: source.into(),
        target: target.into(),
    };
    let mounted = [mount("/dev/sdb1", "/backup"), mount("nas:/b", "/mnt/b")];
    let (_, report) = collect(top.path(), &place, &mounted).unwrap();
    let said = |part: &str| report.warnings.iter().filter(|w| w.contains(part)).count();
    assert_eq!(
        (said("mounted on /mnt/b"), said("mounted on /backup")),
        (1, 0)
    );
}

#[test]
fn the_new_system_mounts_them_where_nothing_is_in_the_way() {
    let own = "UUID=new / ext4 defaults 0 1\nUUID=other /backup ext4 defaults 0 2\nUUID=x /mnt/label/in ext4 defaults 0 2";
    let (top, root) = tree(&[
        ("etc/fstab", own),
        ("srv/my data/own", "x"),
        ("home/vendor/x", "x"),
        ("usr/sbin/mount.nfs", "x"),
    ]);
    let helper = top.path().join("usr/sbin/mount.nfs");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(helper, mode).unwrap();
    let kept = picked(&mut Report::default());
    let mut report = Report::default();
    apply(&root, &kept, &mut report).unwrap();
    let text = root.text("etc/fstab").unwrap().unwrap();
    let lines = fstab::parse(text.as_bytes()).unwrap();
    let added: Vec<&str> = lines.iter().skip(3).map(|l| l.target.as_str()).collect();
    assert_eq!(added, ["/home", "/mnt/nas", "/mnt/s", "none"]);
    // The judge of the payload's fstab takes each of them.
    assert!(lines.iter().skip(3).all(fstab::Line::is_optional));
    assert!(text.starts_with(&format!("{own}\n")), "{text}");
    for dir in ["home", "mnt/nas", "mnt/s"] {
        assert!(root.is_dir(dir).unwrap(), "{dir}");
    }
    let warnings = report.warnings.join("\n");
    for part in [
        "on /srv/my data in the new system: the new system has files there",
        "on /backup in the new system: its own fstab has",
        "on /mnt/label in the new system: it would hide /mnt/label/in",
        "no /sbin/mount.cifs",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    assert_eq!(report.warnings.len(), 4, "{warnings}");
    // Once more, and nothing changes.
    apply(&root, &kept, &mut Report::default()).unwrap();
    assert_eq!(root.text("etc/fstab").unwrap().unwrap(), text);
}

#[test]
fn a_payload_without_a_file_gets_one_and_links_lead_nowhere_else() {
    let (top, root) = tree(&[("etc/x", "")]);
    std::os::unix::fs::symlink("/nowhere", top.path().join("mnt")).unwrap();
    let kept = picked(&mut Report::default());
    let mut report = Report::default();
    apply(&root, &kept, &mut report).unwrap();
    let text = root.text("etc/fstab").unwrap().unwrap();
    assert!(!text.contains("/mnt/"), "{text}");
    assert!(text.contains(" /backup ext4 nofail 0 0\n"), "{text}");
    assert!(
        report.warnings.iter().any(|w| w.contains("/mnt/nas")),
        "{report:?}"
    );
}

/// Whatever the old file says, what is written can be read, and nothing of it
/// keeps the new system from coming up.
#[test]
fn damaged_lines() {
    let target = Target {
        name: "old fstab",
        samples: vec![OLD.as_bytes().to_vec()],
        words: b" ~\n~\\040~\\~\r~UUID=data ~none~swap~,fail~nofail~/~#~\xff",
        hot: vec![],
        rounds: 3000,
    };
    let tally = target.read(|bytes, _| {
        let stays = |_: &str| Place::Stays(None);
        let kept = pick(bytes, "", &stays, &mut Report::default());
        for one in &kept {
            let line = one.line();
            let read = fstab::parse(line.as_bytes()).unwrap();
            assert_eq!(
                read.len(),
                usize::from(!one.source.starts_with('#')),
                "{line}"
            );
            assert!(read.iter().all(fstab::Line::is_optional), "{line}");
        }
        !kept.is_empty()
    });
    tally.at_least(100, 1);
}
