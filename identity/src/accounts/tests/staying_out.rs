// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who could not log in to the old system cannot log in to the new one, and who
//! could do one thing only can do no more.

use super::*;

const PASSWD: &str = "\
root:x:0:0::/root:/bin/bash
locked:x:1000:100::/home/locked:/bin/bash
bare:x:1001:100::/home/bare:/bin/bash
expired:x:1002:100::/home/expired:/bin/bash
change:x:1003:100::/home/change:/bin/bash
ftp:x:1004:100::/home/ftp:/usr/sbin/nologin
mail:x:1005:100::/home/mail:/bin/false
git:x:1006:100::/home/git:/usr/bin/git-shell
jail:x:1007:100::/home/jail:/bin/rbash
zoe:x:1008:100::/home/zoe:/usr/local/bin/zsh
named:x:1009:100::/home/named:/sbin/nologin
";
const SHADOW: &str = "\
root:!:19000:0:99999:7:::
locked:!$6$a$hash:19000:0:99999:7:::
bare:*:19000:0:99999:7:::
expired:$6$b$hash:19000:1:90:7:30:18000:
change:$6$c$hash:0:0:99999:7:::
ftp:$6$d$hash:19000:0:99999:7:::
mail:$6$e$hash:19000:0:99999:7:::
git:!:19000:0:99999:7:::
jail:$6$f$hash:19000:0:99999:7:::
zoe:$6$g$hash:19000:0:99999:7:::
named:$6$h$hash:19000:0:99999:7:::
";

fn moved(shells: &[&str]) -> (Plan, String) {
    let mut report = Report::default();
    let old = files(PASSWD, SHADOW, "users:x:100:\n", "", "");
    let accounts = pick(
        &old,
        &LoginDefs::default(),
        &Sudoers::default(),
        &mut report,
    );
    let new = files(
        "root:x:0:0::/root:/bin/bash\nnamed:x:1009:100::/home/named:/bin/bash\n",
        "root:$6$v$vendor:1::::::\nnamed:!:1::::::\n",
        "users:x:100:\n",
        "",
        "",
    );
    let system = System {
        shells: shells.iter().map(|s| (*s).to_owned()).collect(),
        ..System::default()
    };
    let plan = plan(&accounts, new, &system, &mut report).unwrap();
    (plan, report.warnings.join("\n"))
}

#[test]
fn locked_and_expired_accounts() {
    let (plan, _) = moved(&["/bin/bash"]);
    for line in SHADOW.lines() {
        let name = line.split(':').next().unwrap();
        let entry = plan.files.shadow.get(name).unwrap().join(":");
        assert_eq!(entry, line, "{name}");
        let passwd = plan.files.passwd.get(name).unwrap();
        assert_eq!(passwd[1], "x", "{name}");
    }
}

#[test]
fn shells_that_let_nobody_in() {
    let shell = |plan: &Plan, name: &str| plan.files.passwd.get(name).unwrap()[6].clone();
    for (shells, wanted, said) in [
        (
            &["/bin/bash", "/usr/sbin/nologin", "/bin/false", "/bin/rbash"][..],
            [
                "/usr/sbin/nologin",
                "/bin/false",
                "/usr/bin/git-shell",
                "/bin/rbash",
            ],
            &["no /usr/bin/git-shell; nobody can log in as git"][..],
        ),
        (
            &["/bin/bash", "/sbin/nologin"],
            [
                "/sbin/nologin",
                "/sbin/nologin",
                "/usr/bin/git-shell",
                "/bin/rbash",
            ],
            &["nobody can log in as git", "nobody can log in as jail"],
        ),
        // A system of busybox.
        (
            &["/bin/sh"],
            [
                "/usr/sbin/nologin",
                "/bin/false",
                "/usr/bin/git-shell",
                "/bin/rbash",
            ],
            &["nobody can log in as git", "nobody can log in as jail"],
        ),
    ] {
        let (plan, warnings) = moved(shells);
        let got = ["ftp", "mail", "git", "jail"].map(|name| shell(&plan, name));
        assert_eq!(got, wanted, "{shells:?}");
        // A person who is used to another full shell is not locked out.
        assert_eq!(shell(&plan, "zoe"), shells[0]);
        for part in said.iter().chain(&["named had the shell /sbin/nologin"]) {
            assert!(warnings.contains(part), "{part}: {warnings}");
        }
        let lost = ["log in as ftp", "log in as mail"];
        assert!(!lost.iter().any(|l| warnings.contains(l)), "{warnings}");
    }
}
