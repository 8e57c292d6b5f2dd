// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs are called, with which arguments, in which new root.

use super::dracut::DRACUT_CONF;
use super::*;
use crate::plan::sample;
use std::path::Path;

fn touch(root: &Path, path: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    program(&path, "");
}

fn program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn prepare(root: &Path, plan: &Plan, manifest: &Manifest) -> Result<Vec<Job>, Error> {
    super::prepare(&RootDir::open(root).unwrap(), plan, manifest)
}

fn lines(commands: &[Job]) -> Vec<String> {
    let mark = |job: &Job| if job.optional { "-" } else { "" };
    let text = |job: &Job| mark(job).to_string() + &job.words.join(" ");
    commands.iter().map(text).collect()
}

#[test]
fn takes_the_programs_that_the_distribution_has() {
    let (manifest, plan) = sample();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert!(matches!(
        prepare(root, &plan, &manifest),
        Err(Error::NoInitramfsTool)
    ));
    for path in [
        "usr/sbin/grub-install",
        "usr/sbin/update-grub",
        "etc/debian_version",
    ] {
        touch(root, path);
    }
    touch(root, "usr/sbin/update-initramfs");
    let found = lines(&prepare(root, &plan, &manifest).unwrap());
    assert_eq!(
        found,
        [
            "/usr/sbin/grub-install --target=i386-pc --no-bootsector /dev/nvme0n1",
            "update-initramfs -c -k 6.1",
            "update-grub"
        ]
    );
    assert!(!root.join(DRACUT_CONF).exists());

    touch(root, "usr/bin/dracut");
    touch(root, "usr/sbin/vgcfgbackup");
    touch(root, "usr/sbin/grub2-install");
    std::fs::remove_file(root.join("etc/debian_version")).unwrap();
    let found = lines(&prepare(root, &plan, &manifest).unwrap());
    assert_eq!(
        found,
        [
            "-vgcfgbackup -q VA",
            "/usr/sbin/grub2-install --target=i386-pc --no-bootsector /dev/nvme0n1",
            "dracut --force --no-hostonly --add lvm --kernel-cmdline rd.lvm.lv=VA/root \
             --kver 6.1 /boot/initramfs-6.1.img",
            "grub2-mkconfig -o /boot/grub2/grub.cfg"
        ]
    );
    let conf = std::fs::read_to_string(root.join(DRACUT_CONF)).unwrap();
    assert!(conf.contains("rd.lvm.lv=VA/root"), "{conf}");
}

/// The package's programs come first, also before commands of its own, and
/// the new system starts without them.
#[test]
fn hooks_come_before_all_others() {
    let (mut manifest, plan) = sample();
    let dir = tempfile::tempdir().unwrap();
    touch(dir.path(), "usr/sbin/update-initramfs");
    let convert = ["/opt/app/convert", "--from", "/etc/app"].map(String::from);
    manifest.hooks.after_identity = vec![convert.to_vec()];
    let found = prepare(dir.path(), &plan, &manifest).unwrap();
    assert!(found.iter().all(|job| job.guarded));
    let hook = "-/opt/app/convert --from /etc/app";
    assert_eq!(lines(&found), [hook, "update-initramfs -c -k 6.1"]);
    manifest.boot.commands = vec![vec!["own".into(), "{disk}".into()]];
    let found = lines(&prepare(dir.path(), &plan, &manifest).unwrap());
    assert_eq!(found, [hook, "own /dev/nvme0n1"]);
}

/// What is in the tree, and what dracut is asked for with it.
#[test]
fn the_root_volume_is_named_whatever_else_is() {
    let (manifest, plan) = sample();
    // A default EL9 of another machine; the same, and its own volume; what
    // grub2-mkconfig may throw away.
    for (file, text) in [
        (
            "etc/default/grub",
            include_str!("../../../../../ondisk/tests/fixtures/words/stale/etc-default-grub"),
        ),
        (
            "etc/default/grub",
            "GRUB_CMDLINE_LINUX=\"rd.lvm.lv=VA/root\"\n",
        ),
        (
            "etc/kernel/cmdline",
            "root=/dev/mapper/VA-root rd.lvm.lv=VA/root\n",
        ),
        (
            "etc/dracut.conf.d/99-x.conf",
            "kernel_cmdline=\"rd.auto=1\"\n",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "usr/bin/dracut");
        touch(dir.path(), file);
        std::fs::write(dir.path().join(file), text).unwrap();
        let found = lines(&prepare(dir.path(), &plan, &manifest).unwrap());
        assert!(
            found[0].contains("--kernel-cmdline rd.lvm.lv=VA/root "),
            "{found:?}"
        );
        let conf = std::fs::read_to_string(dir.path().join(DRACUT_CONF)).unwrap();
        assert!(
            conf.contains("kernel_cmdline+=\" rd.lvm.lv=VA/root \"\n"),
            "{conf}"
        );
        assert!(conf.contains("add_dracutmodules+=\" lvm \"\n"), "{conf}");
    }
}

/// dracut mounts /usr before the new system runs, so its volume counts, too,
/// also where the root is a partition.
#[test]
fn the_volume_of_usr_is_named_as_the_root_s_is() {
    let asked = |mounts: &[&str]| {
        let (manifest, mut plan) = sample();
        // VA/root and partition 2, as the plan has them.
        for (filesystem, mount) in plan.filesystems.iter_mut().zip(mounts) {
            filesystem.mount = (*mount).into();
        }
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "usr/bin/dracut");
        let found = lines(&prepare(dir.path(), &plan, &manifest).unwrap()).remove(0);
        let conf = std::fs::read_to_string(dir.path().join(DRACUT_CONF)).ok();
        (found, conf.unwrap_or_default())
    };
    let (_, plan) = sample();
    assert_eq!(plan.filesystems.len(), 2);
    let (found, conf) = asked(&["/usr", "/"]);
    assert!(
        found.contains("--add lvm --kernel-cmdline rd.lvm.lv=VA/root "),
        "{found}"
    );
    assert!(conf.contains("rd.lvm.lv=VA/root"), "{conf}");
    let (found, conf) = asked(&["/srv", "/"]);
    assert!(!found.contains("lvm"), "{found}");
    assert_eq!(conf, "");

    let (_, mut plan) = sample();
    let mut usr = plan.filesystems[0].clone();
    usr.device = "/dev/mapper/VA-data".into();
    usr.mount = "/usr".into();
    plan.filesystems.push(usr);
    assert_eq!(
        super::dracut::words(&super::dracut::early_volumes(&plan)),
        "rd.lvm.lv=VA/root rd.lvm.lv=VA/data"
    );
}

#[test]
fn entries_that_name_another_root_are_written_anew_where_that_can_be() {
    let (manifest, plan) = sample();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for path in [
        "usr/sbin/grub2-install",
        "usr/bin/dracut",
        "etc/default/grub",
    ] {
        touch(root, path);
    }
    std::fs::write(root.join("etc/default/grub"), "GRUB_ENABLE_BLSCFG=true\n").unwrap();
    touch(root, "boot/loader/entries/x.conf");
    let menu = |options: &str, mkconfig: &str| {
        let entry = format!("title x\nlinux /vmlinuz-6.1\noptions {options}\n");
        std::fs::write(root.join("boot/loader/entries/x.conf"), entry).unwrap();
        program(&root.join("usr/sbin/grub2-mkconfig"), mkconfig);
        lines(&prepare(root, &plan, &manifest).unwrap())
            .pop()
            .unwrap()
    };
    let plain = "grub2-mkconfig -o /boot/grub2/grub.cfg";
    let known = "case --update-bls-cmdline in";
    let uuid = ondisk::uuid::text(&plan.root().unwrap().options.uuid);
    for right in [format!("root=UUID={uuid} ro"), "root=/dev/VA/root".into()] {
        assert_eq!(menu(&right, known), plain, "{right}");
    }
    for wrong in ["ro", "root=UUID=0e000000-0000-4000-8000-0000000000ff"] {
        assert_eq!(menu(wrong, known), format!("{plain} --update-bls-cmdline"));
        assert_eq!(menu(wrong, ""), plain, "{wrong}");
    }
    // A variable of grubenv, which this grub2-mkconfig does not set.
    assert_eq!(menu("$kernelopts", known), plain);
    let text = "# GRUB Environment Block\nkernelopts=root=/dev/sdb1 ro\n";
    touch(root, "boot/grub2/grubenv");
    std::fs::write(root.join("boot/grub2/grubenv"), format!("{text:#<1024}")).unwrap();
    let anew = format!("{plain} --update-bls-cmdline");
    assert_eq!(menu("$kernelopts", known), anew);
}

#[test]
fn links_mean_what_the_chroot_sees() {
    use std::os::unix::fs::symlink;
    let (manifest, plan) = sample();
    let top = tempfile::tempdir().unwrap();
    let (root, outside) = (top.path().join("root"), top.path().join("outside"));
    for path in ["etc", "usr/sbin", "opt/grub", "srv/boot"] {
        std::fs::create_dir_all(root.join(path)).unwrap();
    }
    touch(&outside, "dracut");
    touch(&outside, "grub-install");
    // Absolute, relative, and up past the root: all of them lead out.
    symlink(outside.join("dracut"), root.join("usr/sbin/dracut")).unwrap();
    symlink(
        "../../../outside/grub-install",
        root.join("usr/sbin/grub-install"),
    )
    .unwrap();
    symlink(&outside, root.join("etc/dracut.conf.d")).unwrap();
    assert!(matches!(
        prepare(&root, &plan, &manifest),
        Err(Error::NoInitramfsTool)
    ));
    // Inside of the root, they are what they are in the chroot.
    std::fs::remove_file(root.join("usr/sbin/dracut")).unwrap();
    std::fs::remove_file(root.join("usr/sbin/grub-install")).unwrap();
    touch(&root, "opt/grub/install");
    touch(&root, "opt/dracut");
    symlink("/opt/dracut", root.join("usr/sbin/dracut")).unwrap();
    symlink("/opt/grub/install", root.join("usr/sbin/grub-install")).unwrap();
    symlink("/srv/boot", root.join("boot")).unwrap();
    std::fs::write(root.join("srv/boot/initrd.img-6.1"), "").unwrap();
    // The directory that the link means is not there: nothing is written.
    prepare(&root, &plan, &manifest).unwrap_err();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 2);
    std::fs::create_dir_all(root.join(outside.strip_prefix("/").unwrap())).unwrap();
    let found = lines(&prepare(&root, &plan, &manifest).unwrap());
    assert_eq!(
        found[0],
        "/usr/sbin/grub-install --target=i386-pc --no-bootsector /dev/nvme0n1"
    );
    assert!(found[1].ends_with("/boot/initrd.img-6.1"), "{found:?}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 2);
}

#[test]
fn the_manifests_own_commands_replace_all() {
    let (mut manifest, plan) = sample();
    manifest.boot.commands = vec![vec![
        "/sbin/setup".into(),
        "{disk}".into(),
        "--kernel={kernel}".into(),
    ]];
    let dir = tempfile::tempdir().unwrap();
    let found = lines(&prepare(dir.path(), &plan, &manifest).unwrap());
    assert_eq!(found, ["/sbin/setup /dev/nvme0n1 --kernel=6.1"]);
}
