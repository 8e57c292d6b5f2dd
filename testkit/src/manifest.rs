// SPDX-License-Identifier: MIT OR Apache-2.0
//! A manifest, as text.

/// `migration.toml` of a system with the root and a volume `data` in the volume
/// group VA on partition 3, and with /boot on partition 2. Tests change lines of
/// it.
pub fn manifest() -> String {
    let mut text = String::from(
        "format = 1\nname = \"va\"\n[payload]\nunpacked_bytes = 1\nentries = 1\n\
         kernels = [\"6.1\"]\nfstab = true\ngrub_install = \"/usr/sbin/grub-install\"\n\
         initramfs_tool = \"/usr/bin/dracut\"\n\
         [[volume_group]]\nname = \"VA\"\npartitions = [3]\n\
         [[volume_group.volume]]\nname = \"data\"\nsize = \"512MiB\"\n\
         [[volume_group.volume]]\nname = \"root\"\nsize = \"rest\"\n\
         [[filesystem]]\ndevice = \"VA/root\"\nmount = \"/\"\n\
         [[filesystem]]\ndevice = \"partition 2\"\nmount = \"/boot\"\n",
    );
    for name in [
        "va.sgdisk",
        "va.tar.xz",
        "initramfs-convert.img",
        "vmlinuz-convert",
    ] {
        let sum = "0".repeat(64);
        text += &format!("[[file]]\nname = \"{name}\"\nsize = 1\nsha256 = \"{sum}\"\n");
    }
    text
}
