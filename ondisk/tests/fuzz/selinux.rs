// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged policies.

use ondisk::selinux::{Config, FileContexts, Kind, Pattern, Texts};

use testkit::Target;

const MAIN: &str = "\
/.*\tsystem_u:object_r:default_t:s0
/dev/[shmxv]d[^/]*\t-b\tsystem_u:object_r:fixed_disk_device_t:s0
/etc/localtime\t-l\tsystem_u:object_r:locale_t:s0
/opt/(.*/)?jre.*/.+\\.so(\\.[^/]*)*\t--\tsystem_u:object_r:textrel_shlib_t:s0
/tmp/.*\t<<none>>
/lost\\+found\t-d\tsystem_u:object_r:lost_found_t:s0
";
const HOMEDIRS: &str =
    "/home/[^/]+/((www)|(web))(/.*)?/\\.htaccess\t--\tunconfined_u:object_r:httpd_user_t:s0\n";
const SUBS: &str = "/run /var/run\n/lib64 /usr/lib\n/sysroot /\n";
/// Between the files of a sample.
const MARK: &str = "\x01";
const PATHS: [&str; 6] = [
    "/",
    "/etc/localtime",
    "/opt/a/jre1/b.so.1.2",
    "/home/anna/web/x/.htaccess",
    "/sysroot/tmp/x",
    "/lost+found",
];

#[test]
fn contexts() {
    let target = Target {
        name: "file_contexts",
        samples: vec![[MAIN, HOMEDIRS, "", SUBS, SUBS].join(MARK).into_bytes()],
        words: b"\n~\t~/~(~)~(/.*)?~[~]~[^~[[:alpha:]]~*~+~?~{2}~{99}~{1,}~|~\\~\\d~^~$~--~-d~\
            <<none>>~#~\xc3\xa9~\x01~(?:",
        hot: vec![],
        rounds: 6000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.splitn(5, MARK);
        let mut part = || parts.next().unwrap_or_default();
        let (contexts, problems) = FileContexts::parse(&Texts {
            main: part(),
            homedirs: part(),
            local: part(),
            subs: part(),
            subs_dist: part(),
        });
        for path in PATHS {
            for kind in [Kind::File, Kind::Directory, Kind::Link, Kind::BlockDevice] {
                let label = contexts.lookup(path.as_bytes(), kind);
                assert_ne!(label, Some("<<none>>"));
                assert!(label.is_none_or(|l| text.contains(l)));
            }
        }
        Config::parse(&text);
        problems.is_empty()
    });
    tally.at_least(500, 500);
}

#[test]
fn expressions() {
    let target = Target {
        name: "regular expressions",
        samples: MAIN
            .lines()
            .chain(HOMEDIRS.lines())
            .filter_map(|line| line.split('\t').next())
            .map(|text| text.as_bytes().to_vec())
            .collect(),
        words: b"(~)~(a|b)~[a-z]~[]x]~[^/]~*~+~?~{0,3}~{50}~|~\\.~\\w~^~$~.*",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(pattern) = Pattern::new(&text) else {
            return false;
        };
        for path in PATHS.iter().filter(|_| !text.ends_with('\\')) {
            // Whatever it is, around it is always something.
            let wide = Pattern::new(&format!("(?:{text})?.*")).expect("in a group");
            assert!(wide.matches(path.as_bytes()));
            pattern.matches(path.as_bytes());
        }
        // A text of ordinary bytes matches itself and nothing else.
        if text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
        {
            assert!(pattern.matches(text.as_bytes()));
            assert!(!pattern.matches(format!("{text}x").as_bytes()));
        }
        true
    });
    tally.at_least(1000, 500);
}
