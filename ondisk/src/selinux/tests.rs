// SPDX-License-Identifier: MIT OR Apache-2.0
//! Labels of paths, by the order and the expressions of libselinux.

use super::*;

fn matches(pattern: &str, path: &str) -> bool {
    Pattern::new(pattern).unwrap().matches(path.as_bytes())
}

#[test]
fn expressions_match_as_in_pcre() {
    for (pattern, yes, no) in [
        (
            "/etc/shadow.*",
            &["/etc/shadow", "/etc/shadow-"][..],
            &["/etc/shado", "x/etc/shadow"][..],
        ),
        (
            "/root(/.*)?",
            &["/root", "/root/", "/root/a/b"],
            &["/rooty", "/roo"],
        ),
        (
            "/home/[^/]+/\\.ssh(/.*)?",
            &["/home/a/.ssh", "/home/a/.ssh/k"],
            &["/home/a/xssh", "/home/a/b/.ssh"],
        ),
        (
            "/usr/(.*/)?bin(/.*)?",
            &["/usr/bin", "/usr/a/b/bin/x"],
            &["/usr/abin"],
        ),
        (
            "/dev/[shmxv]d[^/]*",
            &["/dev/sd", "/dev/vda1"],
            &["/dev/td", "/dev/sd/a"],
        ),
        (
            "/dev/n?pt[0-9]+",
            &["/dev/pt0", "/dev/npt19"],
            &["/dev/pt", "/dev/nnpt1"],
        ),
        ("/sbin/\\_k", &["/sbin/_k"], &["/sbin/k"]),
        ("/a/x{2}", &["/a/xx"], &["/a/x", "/a/xxx"]),
        ("/a/x{2,}y", &["/a/xxy", "/a/xxxxy"], &["/a/xy"]),
        ("/a/x{1,3}", &["/a/x", "/a/xxx"], &["/a/", "/a/xxxx"]),
        ("/a{b}/{1", &["/a{b}/{1"], &["/ab/1"]),
        ("/a(/.*?)/b", &["/a/b/b", "/a//b"], &["/a/b"]),
        (
            "/[a-ep-z][]x][[:digit:]-]",
            &["/b]3", "/zx-"],
            &["/g]3", "/bx["],
        ),
        ("/\\d\\W[\\w.]", &["/1-a", "/1/."], &["/a-a", "/1a."]),
        (
            "/((www)|(web)|(public_html))(/.+)?",
            &["/www", "/web/a"],
            &["/we", "/web/"],
        ),
        ("/(a|)b", &["/ab", "/b"], &["/aab"]),
        // `^` belongs to the first, `$` to the last.
        ("/a|/b", &["/a", "/ax", "/b", "x/b"], &["x/a", "/bx"]),
        ("/(a*)*b", &["/aaab"], &["/aaac"]),
        // The backslash takes the `$` that libselinux appends.
        ("/a\\", &["/a$", "/a$x"], &["/a"]),
    ] {
        for path in yes {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for path in no {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
    assert!(Pattern::new("/.").unwrap().matches(b"/\xff"));
    assert!(matches("/a", "/a\n") && !matches("/a", "/a\n\n"));
}

#[test]
fn what_is_not_understood_is_refused() {
    for pattern in [
        "*a",
        "/(a",
        "/a)",
        "/[a",
        "/(?i)a",
        "/(?=a)",
        "/a++",
        "/\\1",
        "/\\bx",
        "/x{2000}",
        "/((((x{99}){99}){99}){99})",
        "/[[:nix:]]",
        "/[[.a.]]",
        "/[b-a]",
        "{2}",
        "+",
    ] {
        assert!(Pattern::new(pattern).is_err(), "{pattern}");
    }
    assert!(Pattern::new(&("(".repeat(5000) + &")".repeat(5000))).is_err());
}

const MAIN: &str = "\
# a comment

/.*\tsystem_u:object_r:default_t:s0
/[^/]+\t--\tsystem_u:object_r:etc_runtime_t:s0
/etc/.*\tsystem_u:object_r:etc_t:s0
/etc/localtime\t-l\tsystem_u:object_r:locale_t:s0
/etc/special\\.d\tsystem_u:object_r:exact_t:s0
/etc/spec.*\tsystem_u:object_r:special_t:s0
/tmp/.*\t<<none>>
/usr/lib/.*\tsystem_u:object_r:lib_t:s0
/home/[^/]+\t-d\tsystem_u:object_r:user_home_dir_t:s0
/usr/lib/systemd/system(/.*)?\tsystem_u:object_r:systemd_unit_file_t:s0
";

fn read(texts: Texts<'_>) -> FileContexts {
    let (contexts, problems) = FileContexts::parse(&texts);
    assert_eq!(problems, []);
    contexts
}

fn kind_of(contexts: &FileContexts, path: &str, kind: Kind) -> Option<String> {
    let label = contexts.lookup(path.as_bytes(), kind)?;
    label.split(':').nth(2).map(str::to_owned)
}

#[test]
fn the_last_line_that_matches_counts_and_exact_ones_come_last() {
    let contexts = read(Texts {
        main: MAIN,
        ..Texts::default()
    });
    let file = |path: &str| kind_of(&contexts, path, Kind::File);
    assert_eq!(file("/.autorelabel").as_deref(), Some("etc_runtime_t"));
    assert_eq!(file("/etc/shadow").as_deref(), Some("etc_t"));
    assert_eq!(file("/etc/special.d").as_deref(), Some("exact_t"));
    assert_eq!(file("/etc/special.e").as_deref(), Some("special_t"));
    assert_eq!(file("/etc/localtime").as_deref(), Some("etc_t"));
    assert_eq!(file("/srv/x").as_deref(), Some("default_t"));
    assert_eq!(file("/tmp/x"), None);
    let link = kind_of(&contexts, "/etc/localtime", Kind::Link);
    assert_eq!(link.as_deref(), Some("locale_t"));
    let directory = kind_of(&contexts, "/home", Kind::Directory);
    assert_eq!(directory.as_deref(), Some("default_t"));
    assert_eq!(
        contexts.of_type("lib_t"),
        Some("system_u:object_r:lib_t:s0")
    );
    assert_eq!(contexts.of_type("lib"), None);
}

#[test]
fn homes_and_local_lines_come_after_and_trees_stand_for_others() {
    let contexts = read(Texts {
        main: MAIN,
        homedirs: "/home/[^/]+/.+\tunconfined_u:object_r:user_home_t:s0\n\
                   /home/[^/]+/\\.ssh(/.*)?\tunconfined_u:object_r:ssh_home_t:s0\n",
        local: "/home/b/\\.ssh/x\tsystem_u:object_r:local_t:s0\n/etc/spec.*\tsystem_u:object_r:mine_t\n",
        subs: "  /people /home\n/users /home\n/users /homes\n#/x /y\n/etc/run /run/x\nlonely\n",
        subs_dist: "/lib /usr/lib\n/etc/systemd/system /usr/lib/systemd/system\n/homes /home\n/sysroot /\n",
    });
    let file = |path: &str| kind_of(&contexts, path, Kind::File).unwrap();
    assert_eq!(file("/home/a/x"), "user_home_t");
    assert_eq!(file("/home/a/.ssh/authorized_keys"), "ssh_home_t");
    assert_eq!(file("/home/b/.ssh/x"), "local_t");
    assert_eq!(file("/etc/special.e"), "mine_t");
    assert_eq!(file("/etc/special.d"), "exact_t");
    assert_eq!(file("/people/a/.ssh/k"), "ssh_home_t");
    assert_eq!(file("/peoples/a"), "default_t");
    // The last line counts, and the distribution's come after one's own.
    assert_eq!(file("/users/a/.ssh/k"), "ssh_home_t");
    assert_eq!(file("/lib/x"), "lib_t");
    assert_eq!(file("/sysroot/etc/x"), "etc_t");
    assert_eq!(file("/etc/systemd/system/x.service"), "systemd_unit_file_t");
    let directory = kind_of(&contexts, "/etc/systemd/system", Kind::Directory);
    assert_eq!(directory.as_deref(), Some("systemd_unit_file_t"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let main = "/a\n/b -x l\n/c\u{e9} l\n/(d l\n/e -- l\n";
    let (contexts, problems) = FileContexts::parse(&Texts {
        main,
        ..Texts::default()
    });
    let said: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        said,
        [
            "file_contexts line 1: it has no label",
            "file_contexts line 2: its file type is none of -- -d -l -c -b -p -s",
            "file_contexts line 3: it is not ASCII",
            "file_contexts line 4: its regular expression: a group is not closed",
        ]
    );
    assert_eq!(contexts.lookup(b"/e", Kind::File), Some("l"));
}
