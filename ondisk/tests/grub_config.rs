// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configurations that the distributions' own scripts wrote, evaluated.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use ondisk::grub::config::{Boot, Dialect, First, Start, boot, boots, reads};
use ondisk::grub::{Env, Files, GrubPath, Tree};

const UUID: &str = "7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d";
/// What `stage` adds: decided while GRUB reads it, for only then is
/// `--unrestricted` decided.
const CUSTOM: &str = "\
if [ \"${boot_once}\" = true -a \"${default}\" = once ]; then
menuentry 'replant' --id once --unrestricted {
	search --no-floppy --fs-uuid --set=root 7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d
	linux /boot/replant/kernel replant=migrate panic=10
	initrd /boot/replant/initramfs
}
else
menuentry 'replant' --id once {
	search --no-floppy --fs-uuid --set=root 7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d
	linux /boot/replant/kernel replant=survey panic=10
	initrd /boot/replant/initramfs
}
fi
";

struct Case {
    dialect: Dialect,
    directory: &'static str,
    config: &'static str,
    tree: Tree,
    /// Title and id of the second entry.
    other: (&'static str, &'static str),
}

fn block(variables: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = b"# GRUB Environment Block\n".to_vec();
    bytes.resize(1024, b'#');
    let mut env = Env::parse(&bytes).unwrap();
    for (name, value) in variables {
        env.set(name, value).unwrap();
    }
    env.bytes().to_vec()
}

fn cases() -> Vec<Case> {
    let base = || {
        Tree::new()
            .with_uuid("disk", UUID)
            .with("disk", "/boot/replant/kernel", "k")
            .with("disk", "/boot/replant/initramfs", "i")
    };
    let kernels = |mut tree: Tree, versions: &[&str], initrd: [&str; 2]| {
        for version in versions {
            let [before, behind] = initrd;
            tree = tree
                .with("disk", &format!("/boot/vmlinuz-{version}"), "k")
                .with("disk", &format!("/boot/{before}{version}{behind}"), "i");
        }
        tree
    };
    let el = ["initramfs-", ".img"];
    let debian = ["initrd.img-", ""];
    let el9 = ["5.14.0-427.el9.x86_64", "5.14.0-70.el9.x86_64"];
    let bls = |mut tree: Tree, options: &str| {
        for version in el9 {
            let entry = format!(
                "title Rocky Linux ({version}) 9\nversion {version}\nlinux /boot/vmlinuz-{version}\n\
                 initrd /boot/initramfs-{version}.img $tuned_initrd\noptions {options}\n\
                 grub_users $grub_users\ngrub_arg --unrestricted\ngrub_class kernel\n"
            );
            let path = format!("/boot/loader/entries/0123abcd-{version}.conf");
            tree = tree.with("disk", &path, entry.replace(" $tuned_initrd", ""));
        }
        kernels(tree, &el9, el)
    };
    vec![
        Case {
            dialect: Dialect::Upstream,
            directory: "/boot/grub",
            config: include_str!("fixtures/grub/config/debian.cfg"),
            tree: kernels(base(), &["6.1.0-10-amd64", "6.1.0-9-amd64"], debian),
            other: (
                "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-9-amd64",
                "gnulinux-advanced-7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d>\
                 gnulinux-6.1.0-9-amd64-advanced-7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d",
            ),
        },
        Case {
            dialect: Dialect::El7,
            directory: "/boot/grub2",
            config: include_str!("fixtures/grub/config/el7.cfg"),
            tree: kernels(
                base(),
                &[
                    "3.10.0-1160.el7.x86_64",
                    "3.10.0-957.el7.x86_64",
                    "0-rescue-0123456789abcdef0123456789abcdef",
                ],
                el,
            ),
            other: (
                "CentOS Linux (3.10.0-957.el7.x86_64) 7 (Core)",
                "gnulinux-3.10.0-957.el7.x86_64-advanced-7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d",
            ),
        },
        Case {
            dialect: Dialect::El8,
            directory: "/boot/grub2",
            config: include_str!("fixtures/grub/config/el8.cfg"),
            tree: bls(base(), "$kernelopts $tuned_params"),
            other: (
                "Rocky Linux (5.14.0-70.el9.x86_64) 9",
                "0123abcd-5.14.0-70.el9.x86_64",
            ),
        },
        Case {
            dialect: Dialect::El9,
            directory: "/boot/grub2",
            config: include_str!("fixtures/grub/config/el9.cfg"),
            tree: bls(base(), "root=/dev/vda1 ro quiet"),
            other: (
                "Rocky Linux (5.14.0-70.el9.x86_64) 9",
                "0123abcd-5.14.0-70.el9.x86_64",
            ),
        },
        Case {
            dialect: Dialect::Upstream,
            directory: "/boot/grub2",
            config: include_str!("fixtures/grub/config/suse.cfg"),
            tree: kernels(base(), &el9, el),
            other: (
                "Advanced options for openSUSE Leap>openSUSE Leap, with Linux 5.14.0-70.el9.x86_64",
                "gnulinux-advanced-7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d>\
                 gnulinux-5.14.0-70.el9.x86_64-advanced-7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d",
            ),
        },
        Case {
            dialect: Dialect::Upstream,
            directory: "/boot/grub",
            config: include_str!("fixtures/grub/config/ubuntu.cfg"),
            tree: kernels(base(), &["5.11.0-17-generic", "5.11.0-16-generic"], debian),
            other: ("", ""),
        },
    ]
}

impl Case {
    fn start(&self) -> Start {
        Start {
            device: "disk".into(),
            directory: self.directory.into(),
            dialect: self.dialect,
        }
    }

    fn with(&self, environment: &[(&str, &str)]) -> Tree {
        self.tree
            .clone()
            .with("disk", &format!("{}/grub.cfg", self.directory), self.config)
            .with(
                "disk",
                &format!("{}/grubenv", self.directory),
                block(environment),
            )
    }

    fn boot(&self, environment: &[(&str, &str)]) -> Boot {
        boot(&self.with(environment), &self.start()).unwrap()
    }
}

/// Title of what starts, and its kernel with the words.
fn started(boot: &Boot) -> (String, String) {
    let started = boot.started().unwrap_or_else(|| panic!("{:?}", boot.first));
    let kernel = boot.kernel().unwrap_or_else(|| panic!("{started:?}"));
    let initrds = kernel.initrds.iter().map(|i| i.name()).collect::<Vec<_>>();
    assert_eq!(initrds.len(), 1, "{started:?}");
    (
        started.title.clone(),
        format!("{} {}", kernel.place, kernel.words.join(" ")),
    )
}

#[test]
fn what_starts_of_itself() {
    let expected = [
        (
            "Debian GNU/Linux",
            "vmlinuz-6.1.0-10-amd64 root=/dev/vda1 ro console=ttyS0 quiet",
        ),
        (
            "CentOS Linux (3.10.0-1160.el7.x86_64) 7 (Core)",
            "vmlinuz-3.10.0-1160.el7.x86_64 root=/dev/vda1 ro crashkernel=auto \
             rd.lvm.lv=centos/root rhgb quiet",
        ),
        (
            "Rocky Linux (5.14.0-427.el9.x86_64) 9",
            "vmlinuz-5.14.0-427.el9.x86_64 root=/dev/vda1 ro crashkernel=auto \
             rd.lvm.lv=centos/root rhgb quiet",
        ),
        (
            "Rocky Linux (5.14.0-427.el9.x86_64) 9",
            "vmlinuz-5.14.0-427.el9.x86_64 root=/dev/vda1 ro quiet",
        ),
        (
            "openSUSE Leap",
            "vmlinuz-5.14.0-427.el9.x86_64 root=/dev/vda1 splash=silent quiet",
        ),
        (
            "Ubuntu",
            "vmlinuz-5.11.0-17-generic root=/dev/vda1 ro quiet splash",
        ),
    ];
    for (case, (title, words)) in cases().iter().zip(expected) {
        let boot = case.boot(&[]);
        let words = format!("(disk)/boot/{words}");
        assert_eq!(started(&boot), (title.to_string(), words));
        assert_eq!(boot.notes, [], "{title}");
        // Every entry finds its files.
        for entry in boot.entries() {
            assert_eq!(entry.outcome.missing, [], "{}", entry.title);
            assert!(
                entry.outcome.boots || !entry.children.is_empty(),
                "{entry:?}"
            );
        }
    }
}

#[test]
fn a_saved_entry_by_title_by_id_and_by_number() {
    for case in cases() {
        let (title, id) = case.other;
        let first = started(&case.boot(&[]));
        let saved = |value: &str| started(&case.boot(&[("saved_entry", value)]));
        if title.is_empty() {
            assert_eq!(saved("1"), first, "GRUB_DEFAULT=0 asks for no saved entry");
            continue;
        }
        let last = title.rsplit('>').next().unwrap();
        assert_eq!(saved(title).0, last);
        assert_eq!(saved(id).0, last);
        assert_eq!(saved("0"), first);
        assert_eq!(saved("no such entry"), first);
        if !title.contains('>') {
            assert_eq!(saved("1").0, last);
        }
    }
}

#[test]
fn an_entry_that_is_chosen_once_starts_once() {
    for case in cases() {
        let (title, id) = case.other;
        for saved in ["", "0", title, id] {
            let environment: &[_] = match saved {
                "" => &[("next_entry", "once")],
                saved => &[("saved_entry", saved), ("next_entry", "once")],
            };
            let before = started(&case.boot(match environment {
                [_] => &[],
                some => &some[..1],
            }));
            let custom = format!("{}/custom.cfg", case.directory);
            let tree = case.with(environment).with("disk", &custom, CUSTOM);
            let boots = boots(&tree, &case.start(), 3).unwrap();
            assert_eq!(
                started(&boots[0]),
                (
                    "replant".into(),
                    "(disk)/boot/replant/kernel replant=migrate panic=10".into()
                )
            );
            assert!(
                boots[0]
                    .saved
                    .iter()
                    .any(|s| s.done && s.names == ["next_entry"])
            );
            assert_eq!(started(&boots[1]), before, "{saved:?}");
            assert_eq!(started(&boots[2]), before, "{saved:?}");
            // Chosen by hand, then and later, it migrates nothing.
            let by_hand = |boot: &Boot| {
                let entry = boot.entries().into_iter().find(|e| e.id == "once").cloned();
                let outcome = entry.unwrap().outcome;
                outcome.kernel.unwrap().words.join(" ")
            };
            assert_eq!(by_hand(&boots[1]), "replant=survey panic=10");
            // Nor when another entry was chosen once.
            let tree = case
                .with(&[("next_entry", "1")])
                .with("disk", &custom, CUSTOM);
            let other = boot(&tree, &case.start()).unwrap();
            assert_eq!(by_hand(&other), "replant=survey panic=10");
        }
    }
}

/// What lies in a file, in blocks, or not there; with what was loaded before.
#[test]
fn a_boot_sector_that_is_chained() {
    for dialect in [Dialect::Upstream, Dialect::El7, Dialect::El8, Dialect::El9] {
        let start = Start {
            device: "disk".into(),
            directory: "/grub".into(),
            dialect,
        };
        let sector = |end: [u8; 2]| [&[0; 510][..], &end].concat();
        let outcome = |body: &str| {
            let config = format!("set timeout=0\nmenuentry x {{\n{body}\n}}\n");
            let files = Tree::new()
                .with("disk", "/grub/grub.cfg", config)
                .with("disk", "/good", sector([0x55, 0xaa]))
                .with("disk", "/unsigned", sector([0, 0]))
                .with("disk", "/short", "x")
                .with("disk", "/kernel", "k");
            match boot(&files, &start).unwrap().first {
                First::Entry(started) => started.outcome,
                other => panic!("{other:?}"),
            }
        };
        let chained = |body: &str| {
            let outcome = outcome(body);
            let chained = outcome.boots.then_some(outcome.chained).flatten();
            chained.map(|place| place.to_string())
        };
        let good = Some("(disk)/good".to_string());
        assert_eq!(chained("insmod chain\nchainloader /good"), good);
        assert_eq!(chained("chainloader --force --bpb (disk)/good"), good);
        assert_eq!(chained("linux /kernel\nchainloader /good"), good);
        let forced = chained("chainloader --force /unsigned");
        assert_eq!(forced, Some("(disk)/unsigned".to_string()));
        for bad in ["/unsigned", "/short", "/none", "--force", ""] {
            let outcome = outcome(&format!("chainloader {bad}"));
            assert_eq!((outcome.boots, outcome.chained), (false, None), "{bad}");
        }
        let missing = outcome("chainloader /none").missing;
        assert_eq!(missing, [GrubPath::new("disk", "/none")]);
        for blocks in ["+1", "(hd1)+1", "(hd0,msdos2)1+2"] {
            let outcome = outcome(&format!("chainloader {blocks}"));
            assert_eq!(outcome.other, Some(format!("chainloader {blocks}")));
            assert_eq!((outcome.boots, outcome.chained), (true, None));
        }
        // The last one counts.
        let both = outcome("chainloader /good\nlinux /kernel");
        assert_eq!((both.other, both.chained), (None, None));
        assert!(both.kernel.is_some());
        let blocks = outcome("chainloader /good\nchainloader +1");
        assert_eq!(blocks.chained, None);
    }
}

/// By the identifier of a file system, by its label, and by a file of it.
#[test]
fn the_device_that_is_searched_for() {
    let start = Start {
        device: "disk".into(),
        directory: "/grub".into(),
        dialect: Dialect::Upstream,
    };
    let kernel = |search: &str| {
        let config = format!(
            "set timeout=0\nsearch --set=root {search}\nmenuentry x {{\nlinux /kernel\n}}\n"
        );
        let files = Tree::new()
            .with("disk", "/grub/grub.cfg", config)
            .with("disk", "/kernel", "k")
            .with("other", "/kernel", "k")
            .with("other", "/only", "x")
            .with_uuid("other", "AB-CD")
            .with_label("other", "boot");
        match boot(&files, &start).unwrap().first {
            First::Entry(started) => started.outcome.kernel.unwrap().place.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for found in ["--fs-uuid ab-cd", "--label boot", "--file /only"] {
        assert_eq!(kernel(found), "(other)/kernel", "{found}");
    }
    for missing in ["--fs-uuid boot", "--label BOOT", "--file /none"] {
        assert_eq!(kernel(missing), "(disk)/kernel", "{missing}");
    }
}

#[test]
fn with_a_password_only_the_armed_entry_asks_for_none() {
    for case in cases() {
        if case.dialect == Dialect::Upstream {
            continue;
        }
        let user = "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.AB.CD\n";
        let tree = case
            .with(&[("next_entry", "once")])
            .with("disk", &format!("{}/user.cfg", case.directory), user)
            .with("disk", &format!("{}/custom.cfg", case.directory), CUSTOM);
        let boots = boots(&tree, &case.start(), 2).unwrap();
        assert_eq!(boots[0].variables.get("superusers").unwrap(), "root");
        assert_eq!(started(&boots[0]).0, "replant");
        let asks = |boot: &Boot| {
            let entries = boot.entries();
            entries.iter().find(|e| e.id == "once").unwrap().asks
        };
        assert!(!asks(&boots[0]));
        assert!(asks(&boots[1]));
        // The old system's own entries are for anybody.
        assert_eq!(started(&boots[1]), started(&case.boot(&[])));
    }
}

#[test]
fn whether_a_file_is_read() {
    for case in cases() {
        let tree = case.with(&[]);
        let start = case.start();
        let place = |name: &str| GrubPath::new("disk", case.directory).join(name);
        assert!(reads(&tree, &start, &place("custom.cfg")).unwrap());
        assert!(!reads(&tree, &start, &place("other.cfg")).unwrap());
        assert!(!reads(&tree, &start, &GrubPath::new("disk", "/custom.cfg")).unwrap());
        // The words are there, and yet it is not read.
        let quoted = case.config.replace("source ", "echo source ");
        let config = format!("{}/grub.cfg", case.directory);
        let tree = tree.with("disk", &config, quoted);
        assert!(!reads(&tree, &start, &place("custom.cfg")).unwrap());
    }
}

/// What replant must never leave behind.
#[test]
fn a_block_that_grub_cannot_change_starts_the_entry_for_ever() {
    for case in cases() {
        // The fill does not reach the end; the name is there twice.
        let mut ends = block(&[("next_entry", "once")]);
        ends[1023] = b' ';
        let mut twice = b"# GRUB Environment Block\nnext_entry=x\nnext_entry=once\n".to_vec();
        twice.resize(1024, b'#');
        for bytes in [ends, twice] {
            let tree = case
                .with(&[])
                .with("disk", &format!("{}/grubenv", case.directory), bytes)
                .with("disk", &format!("{}/custom.cfg", case.directory), CUSTOM);
            for boot in boots(&tree, &case.start(), 3).unwrap() {
                assert_eq!(started(&boot).0, "replant", "{:?}", case.dialect);
            }
        }
    }
}

#[test]
fn where_nothing_starts_of_itself() {
    let start = Start {
        device: "disk".into(),
        directory: "/grub".into(),
        dialect: Dialect::Upstream,
    };
    let first = |config: &str| {
        let tree = Tree::new().with("disk", "/grub/grub.cfg", config);
        boot(&tree, &start).unwrap().first
    };
    assert_eq!(first("set timeout=5\n"), First::Prompt);
    assert_eq!(first("menuentry a {\ntrue\n}\n"), First::Waits(vec![0]));
    assert_eq!(
        first("set timeout=-1\nset default=1\nmenuentry a {\ntrue\n}\nmenuentry b {\ntrue\n}\n"),
        First::Waits(vec![1])
    );
    assert_eq!(first("halt\nset timeout=0\n"), First::Ends("halt".into()));
    let none = boot(&Tree::new(), &start).unwrap_err().to_string();
    assert!(
        none.starts_with("(disk)/grub/grub.cfg cannot be read"),
        "{none}"
    );
    let tree = Tree::new().with("disk", "/grub/grub.cfg", "while true; do x=1; done\n");
    let error = boot(&tree, &start).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
    assert!(tree.read(&start.config()).is_some());
}
