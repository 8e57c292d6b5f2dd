// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tiny system's kernel command line, derived from this machine's own.
//!
//! What makes the hardware run at all (`noapic`, `pci=`, `mem=`, parameters of
//! modules) is carried over; what belongs to the old system (`root=`, `rd.*`,
//! `selinux=`, `crashkernel=`) is not; a word that is in neither list is named,
//! for a person to decide. The names are those of the kernel's
//! Documentation/admin-guide/kernel-parameters.txt, where `-` and `_` are the
//! same, and of dracut, systemd and the installers.

use contract::cmdline::{self, Mode};

/// Words without which the machine may not run: firmware, memory, clocks,
/// interrupts, processors, buses, drivers, consoles. `*` stands for any end.
const NEEDED: &[&str] = &[
    // The tiny system's own module loader honours these.
    "modprobe.blacklist rd.driver.blacklist module_blacklist",
    "acpi* noacpi reboot noefi edd gpt blkdevparts",
    "mem memmap highmem vmalloc reserve* mtrr* enable_mtrr* disable_mtrr* nopat gart* nokaslr",
    "apic* noapic* nolapic* lapic* nox2apic x2apic* noioapicquirk pirq irqpoll irqfixup",
    "noirqdebug intremap nointremap iommu* noiommu amd_iommu* intel_iommu* swiotlb",
    "clocksource tsc* notsc hpet nohpet pmtmr no_timer_check lpj highres nohz skew_tick",
    "enable_timer_pin* disable_timer_pin* io_delay",
    "maxcpus nr_cpus possible_cpus nosmp noht nosmt numa idle nohlt no_hlt mce nomce no387",
    "nofxsr noxsave* clearcpuid nosmap nosmep nopku nopcid cpu_init_udelay intel_pstate",
    "amd_pstate noreplace_* no_kvm* no_vmw* no_steal_acc xen* hv_*",
    "pci pcie_* pnp* isapnp noisapnp nousb ide* floppy nomodeset video fbcon",
    "console consoleblank earlycon earlyprintk keep_bootcon",
];

/// Words of the old system, which the tiny one has no use for, or must not have.
const LEFT: &[&str] = &[
    "BOOT_IMAGE BOOTIF root* ro rw resume* noresume nohibernate hibernate init rdinit initrd*",
    "noinitrd ramdisk* load_ramdisk boot mount.* fsck* fastboot forcefsck swap*",
    "quiet splash nosplash rhgb plymouth* bootsplash vga vt.* debug loglevel ignore_loglevel",
    "log_buf_len printk* verbose dyndbg ddebug_query ftrace* trace* initcall_debug",
    "single s S 1 2 3 4 5 emergency rescue recovery",
    "rd.* rd_* rdblacklist dracut* systemd.* udev.* vconsole.* locale.* LANG LANGUAGE LC_*",
    "KEYTABLE KEYBOARDTYPE SYSFONT* UNIMAP",
    "selinux enforcing autorelabel audit* apparmor security lsm* ima* evm* integrity* lockdown",
    "fips module.sig_enforce",
    "crashkernel* crash_kexec* panic* oops softlockup* nosoftlockup hardlockup* nmi_watchdog",
    "nowatchdog watchdog* hung_task* rcu* sysrq* sysctl.*",
    "cgroup* swapaccount psi hugepages* hugepagesz default_hugepagesz transparent_hugepage",
    "zswap.* elevator numa_balancing movable_node movablecore kernelcore cma* isolcpus nohz_full",
    "irqaffinity cpuset* page_poison slub* slab* init_on_* memtest kmemleak max_loop",
    "mitigations spec_store* spec_rstack* nospec* spectre* pti nopti retbleed l1tf mds tsx* srbds gather_data*",
    "mmio_stale* noibrs noibpb noretpoline",
    "net.* biosdevname ip ipv6* ifname nameserver bridge bond vlan team netroot nfs* iscsi*",
    "luks* cryptdevice cryptopts crypto raid md* dmraid nodmraid mpath* nompath multipath",
    "ks* inst.* method repo text cmdline preseed* url auto priority hostname domain interface",
    "netcfg* cloud_init* ds ci.* nosharing noprompt",
    "replant*",
];

/// The words of this machine's kernel command line, sorted by what is done with
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Carried {
    /// Words that the tiny system gets, in order, without quotes.
    pub words: Vec<String>,
    /// Words of which it is not known whether the machine needs them; they are
    /// left out.
    pub unknown: Vec<String>,
}

/// Sorts the words of /proc/cmdline.
pub fn carried(cmdline: &str) -> Carried {
    let mut found = Carried::default();
    for word in cmdline::words(cmdline.as_bytes()) {
        // What follows is init's.
        if word.is_last_of_kernel() {
            break;
        }
        let name = String::from_utf8_lossy(word.name);
        let value = word.value.map(String::from_utf8_lossy);
        let word = match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_string(),
        };
        let name = name.replace('-', "_");
        let module = name
            .split_once('.')
            .is_some_and(|(m, p)| !m.is_empty() && !p.is_empty());
        if is_in(NEEDED, &name) || module && !is_in(LEFT, &name) {
            found.words.push(word);
        } else if !is_in(LEFT, &name) {
            found.unknown.push(word);
        }
    }
    found
}

fn is_in(table: &[&str], name: &str) -> bool {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    };
    table.iter().any(|line| line.split(' ').any(fits))
}

/// Why no command line can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "--append: \"{0}\" has a character that means something to GRUB; use letters, digits and . , : = / _ + @ % - only"
    )]
    Append(String),
    #[error(
        "this machine's kernel was given \"{0}\", which GRUB cannot pass on to the tiny system as it is (a quote, a backslash, or no ASCII); boot the old system without it, or write it otherwise, and try again"
    )]
    Carried(String),
    #[error(
        "the tiny system's kernel command line would have {0} bytes, and a kernel reads {LIMIT}; boot the old system with fewer words"
    )]
    TooLong(usize),
}

/// Bytes of a command line that a kernel reads (COMMAND_LINE_SIZE of x86 is
/// 2048, with the zero at the end), less the `BOOT_IMAGE=` that GRUB puts in
/// front.
const LIMIT: usize = 1984;

/// The kernel command lines of our entry's two kinds of boots: quoted for
/// grub.cfg, and as replant's loader passes it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// For the armed boot.
    pub armed: String,
    /// For a boot that somebody chose from the menu.
    pub survey: String,
    /// For the armed boot, unquoted.
    pub kernel: String,
}

impl Lines {
    /// Builds the lines. The kernel reboots after a panic, which starts the old
    /// system. The carried words follow, and then those of `--append`, for the
    /// last of several values counts. In a boot from the menu the very last word
    /// is ours, so that nothing migrates whatever was appended.
    pub fn new(root: &str, carried: &Carried, append: &[&str]) -> Result<Lines, Error> {
        let needed = carried.words.iter().map(|word| quoted(word));
        let needed: Vec<String> = needed.collect::<Result<_, _>>()?;
        let plain: Vec<String> = carried.words.iter().map(|word| in_quotes(word)).collect();
        let root = format!("root={root}");
        let line = |needed: &[String], mode: &str, last: &str| {
            let first = [root.as_str(), "ro", "panic=10"];
            let words = first
                .into_iter()
                .chain(needed.iter().map(String::as_str))
                .chain([mode, "quiet"])
                .chain(append.iter().copied())
                .chain([last]);
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            words.join(" ")
        };
        let lines = Lines {
            armed: line(&needed, Mode::Migrate.word(), ""),
            survey: line(&needed, "", Mode::Survey.word()),
            kernel: line(&plain, Mode::Migrate.word(), ""),
        };
        match lines.armed.len().max(lines.survey.len()) {
            length if length > LIMIT => Err(Error::TooLong(length)),
            _ => Ok(lines),
        }
    }
}

/// The words of `--append`, which a line of grub.cfg must be able to carry.
pub fn words(append: &str) -> Result<Vec<&str>, Error> {
    let words: Vec<&str> = append.split_whitespace().collect();
    match words.iter().find(|w| !is_plain(w)) {
        Some(word) => Err(Error::Append(word.to_string())),
        None => Ok(words),
    }
}

fn is_plain(word: &str) -> bool {
    word.chars()
        .all(|c: char| c.is_ascii_alphanumeric() || ".,:=/_+@%-".contains(c))
}

/// A word as grub.cfg has it. Between single quotes GRUB takes everything as
/// it is; one with a space it hands to the kernel between double quotes, and
/// before a quote or a backslash it puts a backslash, which the kernel would
/// take for a part of the word (grub-core/lib/cmdline.c).
fn quoted(word: &str) -> Result<String, Error> {
    let carries = |c: char| matches!(c, ' '..='~') && !matches!(c, '\'' | '"' | '\\');
    if is_plain(word) {
        Ok(word.to_string())
    } else if word.chars().all(carries) {
        Ok(format!("'{word}'"))
    } else {
        Err(Error::Carried(word.to_string()))
    }
}

/// A word as the kernel parses it, which removes double quotes.
fn in_quotes(word: &str) -> String {
    match word.contains(' ') {
        true => format!("\"{word}\""),
        false => word.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of the command lines of real machines.
    #[test]
    fn what_the_machine_needs_is_carried_and_the_rest_is_not() {
        let el7 = "BOOT_IMAGE=/vmlinuz-3.10.0-1160.el7.x86_64 root=/dev/mapper/centos-root ro \
             crashkernel=auto rd.lvm.lv=centos/root rd.lvm.lv=centos/swap rhgb quiet \
             LANG=en_US.UTF-8 noapic acpi=off pci=nomsi,noaer nomodeset mem=2G memmap=64M$1G \
             intel_iommu=off nvme_core.io_timeout=255 scsi_mod.scan=sync libata.force=1.5G \
             console=tty0 console=ttyS0,115200n8 net.ifnames=0 biosdevname=0 selinux=0 \
             nolapic_timer clocksource=hpet tsc=unstable modprobe.blacklist=ast \
             rd.driver.blacklist=nouveau systemd.unit=rescue.target resume=/dev/sda2 3 \
             no-kvmclock intel_idle.max_cstate=1 replant.break=wipe\n";
        let found = carried(el7);
        let kept = "noapic acpi=off pci=nomsi,noaer nomodeset mem=2G memmap=64M$1G \
             intel_iommu=off nvme_core.io_timeout=255 scsi_mod.scan=sync libata.force=1.5G \
             console=tty0 console=ttyS0,115200n8 nolapic_timer clocksource=hpet tsc=unstable \
             modprobe.blacklist=ast rd.driver.blacklist=nouveau no-kvmclock \
             intel_idle.max_cstate=1";
        assert_eq!(found.words.join(" "), kept);
        assert_eq!(found.unknown, Vec::<String>::new());
    }

    #[test]
    fn what_nobody_knows_is_named_and_what_is_for_init_is_not_read() {
        let found = carried("quiet frobnicate=3 wibble noapic -- pci=off other");
        assert_eq!(found.words, ["noapic"]);
        assert_eq!(found.unknown, ["frobnicate=3", "wibble"]);
        assert_eq!(carried("noapic \"--\" pci=off").words, ["noapic"]);
        assert_eq!(carried(""), Carried::default());
        // No module's name, and no parameter's.
        assert_eq!(carried(".x x.").unknown, [".x", "x."]);
    }

    #[test]
    fn a_value_in_quotes_stays_one_word() {
        let found = carried("acpi_osi=\"Windows 2012\" \"acpi_osi=!Windows 2009\" a.b=c$d");
        assert_eq!(found.words[0], "acpi_osi=Windows 2012");
        let lines = Lines::new("UUID=0de0", &found, &[]).unwrap();
        assert_eq!(
            lines.armed,
            "root=UUID=0de0 ro panic=10 'acpi_osi=Windows 2012' 'acpi_osi=!Windows 2009' \
             'a.b=c$d' replant=migrate quiet"
        );
        // The loader passes it to the kernel as it is.
        assert_eq!(
            lines.kernel,
            "root=UUID=0de0 ro panic=10 \"acpi_osi=Windows 2012\" \"acpi_osi=!Windows 2009\" \
             a.b=c$d replant=migrate quiet"
        );
        let read = |line: &str| -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
            let words = cmdline::words(line.as_bytes());
            words
                .map(|w| (w.name.to_vec(), w.value.map(<[u8]>::to_vec)))
                .collect()
        };
        let words = read(&lines.kernel);
        assert!(words.contains(&(b"acpi_osi".to_vec(), Some(b"Windows 2012".to_vec()))));
        assert_eq!(words.len(), 8);
        for bad in ["a.b='c'", "a.b=c\\d", "a.b=\u{e4}", "a.b=\"c\td\""] {
            let error = Lines::new("UUID=0de0", &carried(bad), &[]).unwrap_err();
            assert!(error.to_string().contains("a.b="), "{bad}: {error}");
        }
        let long = format!("a.b={}", "c".repeat(LIMIT));
        let error = Lines::new("UUID=0de0", &carried(&long), &[]).unwrap_err();
        assert!(matches!(error, Error::TooLong(_)), "{error}");
    }

    #[test]
    fn only_the_armed_boot_migrates_whatever_is_appended() {
        use crate::cmdline::Cmdline;
        let mode = |text: &str| Cmdline::parse(text).mode;
        let old = carried("replant=migrate rescue console=ttyS0");
        for (append, armed) in [
            (&[][..], Mode::Migrate),
            (&["replant=rehearse", "rd.retry=9"], Mode::Rehearse),
            (&["replant=migrate"], Mode::Migrate),
            (&["rescue"], Mode::Console),
        ] {
            let lines = Lines::new("UUID=0de0", &old, append).unwrap();
            assert_eq!(mode(&lines.armed), armed, "{append:?}");
            assert_eq!(mode(&lines.survey), Mode::Survey, "{append:?}");
            assert!(lines.survey.contains("console=ttyS0"));
        }
    }

    #[test]
    fn words_that_grub_would_read_otherwise_are_refused() {
        let good = " replant=rehearse  rd.retry=300\treplant.json=ttyS1 console=ttyS0,115200n8";
        assert_eq!(words(good).unwrap().len(), 4);
        assert_eq!(words("").unwrap().len(), 0);
        for bad in [
            "a;b", "x=$y", "it's", "a\"b", "}", "a\\b", "#x", "a|b", "\u{e4}",
        ] {
            assert!(words(&format!("quiet {bad}")).is_err(), "{bad}");
        }
    }
}
