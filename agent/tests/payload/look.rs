// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `replant check` refuses of a payload, and whether ext4 would.
use super::scratch::{Ext4, sh};
use ondisk::inventory::{Inventory, Report, Target};
use ondisk::manifest::{
    FORMAT, File, Filesystem, INITRAMFS, KERNEL, Manifest, PAYLOAD, Payload, TABLE,
};
use ondisk::pax::{Entry, Event, Kind, Time, Xattr};
use ondisk::sha256::Sha256Sum;
use replant::old::Package;
use replant::payload;
use rustix::fs::XattrFlags;
use std::path::Path;
use testkit::Random;

/// The least that a new system must have, in `$1/new`; the other files of a
/// package in `$1/package`.
const SYSTEM: &str = r#"
cd "$1"; mkdir package new; cd new
mkdir -p boot etc/grub.d bin usr/sbin usr/share/grub var/tmp usr/lib/grub/i386-pc lib/modules/1 data
mkdir -p lib64; cp -L /bin/bash /usr/sbin/lvm bin; ln -s bash bin/sh
cp -L /lib64/ld-linux-x86-64.so.2 lib64
mkdir sbin; ln -s /bin/bash sbin/init; touch etc/passwd etc/group
echo 'LABEL=top / ext4' >etc/fstab; touch boot/vmlinuz-1 lib/modules/1/modules.dep
touch usr/share/grub/grub-mkconfig_lib
for f in boot.img diskboot.img kernel.img lzma_decompress.img moddep.lst \
    biosdisk.mod part_gpt.mod ext2.mod lvm.mod; do touch usr/lib/grub/i386-pc/$f; done
for p in grub-install grub-probe grub-mkconfig update-initramfs mkinitramfs; do
    echo '#!/bin/sh' >usr/sbin/$p; chmod 755 usr/sbin/$p
done; cp -p usr/sbin/grub-install etc/grub.d/10_linux
cd ../package; truncate -s 64M ../disk; echo kernel >vmlinuz-convert; echo image >initramfs-convert.img
/sbin/sgdisk -n 1:2048:6143 -t 1:EF02 -n 2:6144:0 ../disk >&2
/sbin/sgdisk --backup=va.sgdisk ../disk >&2
"#;

const ARCHIVE: &str = r#"tar --numeric-owner -cJf package/va.tar.xz -C new ."#;

/// A manifest of the files in a directory; of the payload it says nothing yet.
fn manifest(dir: &Path) -> Manifest {
    let file = |name: &str| {
        let bytes = std::fs::read(dir.join(name)).unwrap();
        File {
            name: name.into(),
            size: bytes.len() as u64,
            sha256: Sha256Sum::of(&bytes).to_string(),
        }
    };
    Manifest {
        console: Default::default(),
        wipe: Default::default(),
        requires: Default::default(),
        carry: Default::default(),
        hooks: Default::default(),
        format: FORMAT,
        name: "va".into(),
        version: String::new(),
        protection: None,
        proof_boot: None,
        payload: Payload {
            unpacked_bytes: u64::MAX >> 1,
            entries: u64::MAX >> 1,
            kernels: vec!["1".into()],
            fstab: true,
            grub_install: "/usr/sbin/grub-install".into(),
            initramfs_tool: "/usr/sbin/update-initramfs".into(),
        },
        table: Default::default(),
        boot: Default::default(),
        identity: Default::default(),
        files: [TABLE, PAYLOAD, INITRAMFS, KERNEL].map(file).into(),
        volume_groups: toml_groups(),
        filesystems: vec![
            Filesystem::new("partition 2", "/"),
            Filesystem::new("VA/data", "/data"),
        ],
    }
}

fn toml_groups() -> Vec<ondisk::manifest::VolumeGroup> {
    let size = ondisk::manifest::Size::Rest;
    let name = String::from("data");
    vec![ondisk::manifest::VolumeGroup {
        name: "VA".into(),
        partitions: vec![3],
        extent_size: ondisk::manifest::Size::Bytes(4 << 20),
        volumes: vec![ondisk::manifest::Volume { name, size }],
    }]
}

/// As `check` does: the manifest, the sums, and all of the payload.
fn checked(dir: &Path, manifest: &Manifest) -> Result<Report, String> {
    let text = manifest.encode().unwrap();
    std::fs::write(dir.join("migration.toml"), text).unwrap();
    let package = Package::open(dir).map_err(|e| e.to_string())?;
    if let Some((_, error)) = package.verify(&mut |_, _| {}).into_iter().next() {
        return Err(error.to_string());
    }
    package.look(&mut |_, _| {}).map_err(|e| e.to_string())
}

#[test]
fn a_payload_that_would_fail_after_the_wipe_is_refused_by_name() {
    testkit::needs!("time", "lvm", "sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("package");
    let run = |script: &str| sh(&format!("cd \"$1\"; {script}"), &[dir.path()]);
    sh(SYSTEM, &[dir.path()]);
    for (change, words) in [
        (
            "head -c 3000000 /dev/urandom >package/va.tar.xz",
            "not an xz archive; compress",
        ),
        (
            "head -c 300000 /dev/urandom | xz -c >package/va.tar.xz",
            "is not a tar header or is damaged",
        ),
        (
            "rm -r new/usr/lib/grub; ARCHIVE",
            "va.tar.xz: usr/lib/grub/i386-pc is missing or has no boot.img",
        ),
        (
            "rm new/usr/sbin/grub-mkconfig; ARCHIVE",
            "va.tar.xz: grub-mkconfig is missing or may not be executed",
        ),
        (
            "rm new/bin/sh; ARCHIVE",
            "needs /bin/sh, and /bin/sh is missing",
        ),
        (
            "rm new/lib64/ld-linux*; ARCHIVE",
            "needs /lib64/ld-linux-x86-64.so.2, and that is missing",
        ),
        (
            "cp new/boot/vmlinuz-1 new/boot/vmlinuz-6.1.bak; ARCHIVE",
            "va.tar.xz: boot/vmlinuz-6.1.bak has no modules (lib/modules/6.1.bak)",
        ),
        (
            "cp new/boot/vmlinuz-1 new/boot/vmlinuz-convert; ARCHIVE",
            "va.tar.xz: boot/vmlinuz-convert is replant's own kernel",
        ),
        (
            "ln new/etc/fstab new/data/x; ARCHIVE",
            " is a hard link to ",
        ),
        (
            "rmdir new/data; ln -s srv new/data; ARCHIVE",
            "data is a symbolic link, and a file system is to be mounted at /data",
        ),
        (
            "rmdir new/data; touch new/data; ARCHIVE",
            "data is a file, and a file system is to be mounted at /data",
        ),
        (
            "tar --format=posix --pax-option=SCHILY.xattr.user.big:=$(head -c 5000 /dev/zero | tr '\\0' v) \
             -cf y -C new ./etc/fstab .; xz -c y >package/va.tar.xz",
            "etc/fstab has more extended attributes than ext4 can hold: user.big (5000 bytes)",
        ),
    ] {
        run("rm -rf old; cp -a new old");
        run(&change.replace("ARCHIVE", ARCHIVE));
        let message = checked(&package, &manifest(&package)).unwrap_err();
        assert!(
            message.contains(words) && !message.contains('\n'),
            "{change}: {message}"
        );
        run("rm -rf new; mv old new");
    }

    // Nothing but that was wrong; and then the numbers count.
    run(ARCHIVE);
    let mut manifest = manifest(&package);
    let message = checked(&package, &manifest).unwrap_err();
    assert!(message.starts_with("migration.toml says that the payload has 9223372036854775807 members, and va.tar.xz has "), "{message}");
    let archive = payload::Payload::file(package.join(PAYLOAD)).unwrap();
    let limits = payload::memory::beside(1 << 30, 1);
    let facts = payload::look(&archive, &manifest, limits, &mut |_| {})
        .unwrap()
        .facts;
    manifest.payload = facts.payload.clone();
    for (filesystem, content) in manifest.filesystems.iter_mut().zip(&facts.content) {
        filesystem.content_bytes = content.bytes;
        filesystem.content_entries = content.entries;
    }
    assert_eq!(checked(&package, &manifest).unwrap().facts, facts);
    manifest.payload.kernels = vec!["2".into()];
    let message = checked(&package, &manifest).unwrap_err();
    assert!(
        message.contains("has the kernels 2, and va.tar.xz has the kernels 1;"),
        "{message}"
    );
    // An archive that goes on and on is not read to its end.
    manifest.payload.entries = 3;
    let message = checked(&package, &manifest).unwrap_err();
    assert!(
        message.contains("has 3 members, and va.tar.xz has more;"),
        "{message}"
    );
}

fn entry(kind: Kind, xattrs: Vec<Xattr>) -> Entry {
    Entry {
        path: b"x".into(),
        kind,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: Time::default(),
        atime: None,
        xattrs,
        offset: 0,
    }
}

/// What the inventory says: whether it can be unpacked onto such a file system.
fn is_taken(entry: &Entry, block: u32) -> bool {
    let mut inventory = Inventory::new(Target {
        filesystems: vec![Filesystem::new("partition 2", "/")],
        ..Target::default()
    });
    inventory.event(&Event::from(entry.clone()));
    inventory.event(&Event::EntryEnd);
    let found = inventory.finish();
    let of_x = found.refusals.iter().any(|f| f.file.as_bytes() == b"x");
    !of_x && found.facts.content[0].block <= block
}

/// What the kernel says.
fn takes(root: &Path, entry: &Entry) -> bool {
    let path = root.join("x");
    match &entry.kind {
        Kind::Directory => std::fs::create_dir(&path).unwrap(),
        Kind::Symlink { target } => {
            let target = std::str::from_utf8(target).unwrap();
            if std::os::unix::fs::symlink(target, &path).is_err() {
                return false;
            }
        }
        _ => std::fs::write(&path, "").unwrap(),
    }
    let taken = entry.xattrs.iter().all(|xattr| {
        let set = rustix::fs::lsetxattr(&path, &xattr.name[..], &xattr.value, XattrFlags::empty());
        // The unpacker goes on then.
        matches!(set, Ok(()) | Err(rustix::io::Errno::OPNOTSUPP))
    });
    match entry.kind {
        Kind::Directory => std::fs::remove_dir(&path).unwrap(),
        _ => std::fs::remove_file(&path).unwrap(),
    }
    taken
}

fn acl(random: &mut Random) -> Vec<u8> {
    let mut value = vec![2, 0, 0, 0];
    let mut add = |tag: u16, mode: u16, id: u32| {
        value.extend(tag.to_le_bytes());
        value.extend(mode.to_le_bytes());
        value.extend(id.to_le_bytes());
    };
    add(1, 7, u32::MAX);
    let users = random.below(6);
    (0..users).for_each(|n| add(2, 5, 1000 + n as u32));
    add(4, 5, u32::MAX);
    if users > 0 || random.below(3) == 0 {
        add(16, 7, u32::MAX);
    }
    add(32, 0, u32::MAX);
    if random.below(8) == 0 {
        let at = random.below(value.len());
        value[at] ^= 1 << random.below(8);
    }
    value
}

#[test]
fn the_inventory_takes_what_ext4_takes() {
    testkit::needs!("root");
    let mut random = Random(41);
    for block in [1024, 4096] {
        let ext4 = Ext4::with_block(64, block);
        let (mut taken, mut refused) = (0, 0);
        for round in 0..400 {
            let kind = match random.below(6) {
                0 => Kind::Directory,
                1 => {
                    let length = [59, 60, 1022, 1023, 1024, 4095, 4096][random.below(7)];
                    let target = vec![b't'; length];
                    Kind::Symlink { target }
                }
                _ => Kind::File {
                    size: 0,
                    sparse: None,
                },
            };
            let mut xattrs: Vec<Xattr> = Vec::new();
            let mut left = block as usize + 88;
            for n in 0..random.below(6) {
                let spaces = ["user", "user", "trusted", "security", "btrfs"];
                let space = spaces[random.below(spaces.len())];
                let name = format!("{space}.{n}{}", "n".repeat(random.below(30)));
                // Up to the border, and a little over it.
                let room = [left.saturating_sub(random.below(60)), random.below(200)];
                let size = room[random.below(2)];
                left = left.saturating_sub(size + 24);
                xattrs.push(Xattr {
                    name: name.into_bytes(),
                    value: vec![b'v'; size],
                });
            }
            // What is said of a link's ACL depends on the kernel's version.
            let link = matches!(kind, Kind::Symlink { .. });
            for name in ["access", "default"] {
                if random.below(4) == 0 && !link {
                    xattrs.push(Xattr {
                        name: format!("system.posix_acl_{name}").into_bytes(),
                        value: acl(&mut random),
                    });
                }
            }
            if random.below(8) == 0 {
                let mut value = vec![1, 0, 0, [2, 3, 1][random.below(3)]];
                value.resize([20, 24, 12][random.below(3)], 0);
                xattrs.push(Xattr {
                    name: b"security.capability".into(),
                    value,
                });
            }
            let entry = entry(kind, xattrs);
            let kernel = takes(ext4.path(), &entry);
            assert_eq!(is_taken(&entry, block), kernel, "round {round}: {entry:?}");
            *(if kernel { &mut taken } else { &mut refused }) += 1;
        }
        assert!(taken > 80 && refused > 80, "{taken} {refused}");
    }
}
