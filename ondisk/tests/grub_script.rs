// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is a valid script, and what GRUB's own checker says of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use ondisk::grub::config::syntax;
use std::path::Path;
use std::process::Command;
use testkit::{Random, output};

/// Whether both take the script, which must be the same.
fn judged(path: &Path, script: &str) -> bool {
    // The checker complains of a script that does nothing.
    let script = &format!("true\n{script}\n");
    std::fs::write(path, script).unwrap();
    let theirs = output(Command::new("grub-script-check").args([path.to_str().unwrap()]));
    let notes = syntax(script);
    let errors = String::from_utf8_lossy(&theirs.stderr).into_owned();
    assert_eq!(
        notes.is_empty(),
        theirs.status.success(),
        "{script:?}: {notes:?}, {errors}"
    );
    notes.is_empty()
}

#[test]
fn the_checker_agrees() {
    testkit::needs!("grub-script-check");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script");
    let good = [
        "",
        "# only a comment",
        "a=b; c 'd e' \"f $g ${h}\" i\\ j",
        "if a; then b; fi",
        "if a\nthen\n\nb\nelif c; then d; else e; fi",
        "for x in; do y; done",
        "for x in a b do done; do y\ndone",
        "while a; do b; done; until c; do d; done",
        "function f {\na $1 $@ $#; b\n}",
        "function f\n{ a\n}",
        "menuentry 'a' --id b { c }",
        "submenu x { menuentry y {\n z\n}\n}",
        "a \\\n b \\\n c",
        "a 'b\nc' \"d\ne\"",
        "echo $\"text with $x\" \"\\$ \\\\ \\\"\"",
        "[ a = b -a ( c ) ]",
        "! a",
        "if_x a; then_y; x[[y",
        "a #{ comment\nb",
        "a b#c",
        "set x=$y",
        "echo if then else fi for do done while in function case esac select until",
    ];
    for script in good {
        assert!(judged(&path, script), "{script:?}");
    }
    let bad = [
        ";",
        "a;; b",
        "a && b",
        "a | b",
        "a > b",
        "if a; then fi",
        "if a; fi",
        "if a then b; fi",
        "if a; then b; else fi",
        "if a; then b",
        "for 1 in a; do b; done",
        "for x; do a; done",
        "while a; b; done",
        "function f { }",
        "function f-g { a; }",
        "function f { a }",
        "if a; then function f { b; }; fi",
        "menuentry a { }",
        "menuentry a {\nb",
        "menuentry a { b } c",
        "}",
        "{ a; }",
        "then",
        "case a",
        "a $",
        "a \"$ b\"",
        "a ${b",
        "a 'b",
        "a \"b",
        "[[ a ]]",
    ];
    for script in bad {
        assert!(!judged(&path, script), "{script:?}");
    }
}

#[test]
fn the_checker_agrees_on_scripts_that_nobody_wrote() {
    testkit::needs!("grub-script-check");
    let tokens = [
        "a",
        "b=c",
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "x",
        "in",
        "do",
        "done",
        "while",
        "until",
        "function",
        "menuentry",
        "{",
        "}",
        ";",
        ";",
        ";",
        "\n",
        "\n",
        "\n",
        "'q r'",
        "\"s $t\"",
        "$u",
        "[ v ]",
        "!",
        "# comment\n",
        "\\\n",
        "case",
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script");
    let mut random = Random(0x9b5c);
    let mut good = 0;
    for _ in 0..600 {
        let mut script = String::new();
        // Half of them begin as something whole.
        if random.below(2) == 0 {
            script += "if a ; then b ; fi ; for x in y ; do z ; done\nmenuentry m { a ; } \n";
        }
        for _ in 0..random.below(9) {
            script += tokens[random.below(tokens.len())];
            script += " ";
        }
        script += "\n";
        good += usize::from(judged(&path, &script));
    }
    assert!(good > 60 && good < 540, "{good}");
}
