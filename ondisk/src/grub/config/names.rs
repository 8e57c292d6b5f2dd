// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of GRUB's commands whose own work does not matter for what starts.

/// Commands that show or set up something and succeed (command.lst of GRUB
/// 2.06 and of Red Hat's).
pub(super) const HARMLESS: &str = "\
    915resolution acpi authenticate background_color background_image badram blocklist cat \
    cbmemc clear cmosclean cmosdump cmosset cmp crc cutmem date devicetree distrust drivemap \
    dump echo efiemu_loadcore efiemu_prepare efiemu_unload gdbstub gdbstub_break gdbstub_stop \
    gettext gptsync hdparm hello help hexdump insmod keymap list_env list_trusted loadfont ls \
    lsacpi lsapm lsefi lsfonts lsmmap lsmod lspci lssal macppcbless mactelbless nativedisk \
    net_ls_addr net_ls_cards outb outl outw parttool password password_pbkdf2 pcidump play rmmod \
    sendkey serial sleep terminal_input terminal_output terminfo time true trust usb vbeinfo \
    vbetest verify_detached videoinfo videotest write_byte write_dword write_word wrmsr \
    zfs-bootfs zfsinfo zfskey";

/// Commands whose answer depends on the machine; they are taken to say no.
pub(super) const DEPENDS: &str = "\
    cmostest cpuid cryptomount file hashsum hwmatch inb inl inw keystatus legacy_check_password \
    legacy_configfile legacy_source loopback md5sum net_add_addr net_bootp net_dhcp probe rdmsr \
    read read_byte read_dword read_word regexp setpci sha1sum sha256sum sha512sum smbios \
    syslinux_configfile syslinux_source testspeed tr extract_entries_source \
    extract_entries_configfile extract_legacy_entries_source extract_legacy_entries_configfile \
    extract_syslinux_entries_source extract_syslinux_entries_configfile bli \
    tpm2_key_protector_init";

/// Commands that end GRUB.
pub(super) const ENDS: &str = "\
    boot exit fwsetup halt normal_exit poweroff reboot";

/// Commands that load something other than Linux.
pub(super) const LOADERS: &str = "\
    freedos kfreebsd knetbsd kopenbsd legacy_kernel multiboot multiboot2 ntldr plan9 \
    pxechainloader truecrypt xnu_kernel xnu_kernel64";

/// Whether a name is one of these words.
pub(super) fn has(words: &str, name: &str) -> bool {
    words.split(' ').any(|word| word == name)
}
