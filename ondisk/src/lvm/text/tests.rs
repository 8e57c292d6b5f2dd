// SPDX-License-Identifier: MIT OR Apache-2.0
//! LVM's text format, as lvm2 writes it and as it must not be.

use super::*;

fn text(s: &str) -> Value {
    Value::Text(s.to_owned())
}

#[test]
fn sections_values_and_comments() {
    let s = parse(
        b"# head\nvg {\n\tid = \"a\" # tail\n status=[\"READ\",\"WRITE\"]\nempty = []\nin{x=1}}\nversion=1",
    )
    .unwrap();
    let vg = s.section("vg").unwrap();
    assert_eq!(vg.value("id"), Some(&text("a")));
    assert_eq!(
        vg.value("status"),
        Some(&Value::List(vec![text("READ"), text("WRITE")]))
    );
    assert_eq!(vg.value("empty"), Some(&Value::List(vec![])));
    assert_eq!(vg.section("in").unwrap().value("x"), Some(&Value::Int(1)));
    assert_eq!(s.value("version"), Some(&Value::Int(1)));
    assert_eq!(vg.value("in"), None);
    assert_eq!(s.sections().map(|(n, _)| n).collect::<Vec<_>>(), ["vg"]);
}

#[test]
fn numbers_have_c_notation() {
    let s = parse(b"a=10 b=010 c=0x1F d=-1 e=+7 f=1.5 g=0 h=-9223372036854775808").unwrap();
    for (name, want) in [
        ("a", 10),
        ("b", 8),
        ("c", 31),
        ("d", -1),
        ("e", 7),
        ("g", 0),
        ("h", i64::MIN),
    ] {
        assert_eq!(s.value(name), Some(&Value::Int(want)), "{name}");
    }
    assert_eq!(s.value("f"), Some(&Value::Float("1.5".into())));
    for bad in [
        "a=9223372036854775808",
        "a=08",
        "a=0x",
        "a=0x+1",
        "a=0x-1",
        "a=12q",
        "a=-",
        "a=1.2.3",
        "a=--1",
    ] {
        let e = parse(bad.as_bytes()).unwrap_err();
        assert!(matches!(e, TextError::Number { line: 1, .. }), "{bad}: {e}");
    }
}

#[test]
fn strings_escape_two_characters() {
    let s = parse(
        br#"a="x\"y\\z\n" b='raw\"' c=bare d="two
lines" "quoted#name" { e = 1 }"#,
    )
    .unwrap();
    assert_eq!(s.value("a"), Some(&text("x\"y\\z\\n")));
    assert_eq!(s.value("b"), Some(&text("raw\\\"")));
    assert_eq!(s.value("c"), Some(&text("bare")));
    assert_eq!(s.value("d"), Some(&text("two\nlines")));
    assert!(s.section("quoted#name").is_some());
    assert_eq!(
        parse(b"x=1\na=\"open"),
        Err(TextError::OpenString { line: 2 })
    );
    assert_eq!(parse(b"a='open"), Err(TextError::OpenString { line: 1 }));
}

#[test]
fn commas_are_optional() {
    let s = parse(b"stripes = [\n\"pv0\", 0\n\"pv1\" 5,\n]").unwrap();
    let want = vec![text("pv0"), Value::Int(0), text("pv1"), Value::Int(5)];
    assert_eq!(s.value("stripes"), Some(&Value::List(want)));
}

#[test]
fn the_first_of_two_values_counts_and_two_sections_are_refused() {
    assert_eq!(parse(b"a=1 a=2").unwrap().value("a"), Some(&Value::Int(1)));
    for bad in ["a{} a{}", "a=1 a{}", "a{} a=1"] {
        let e = parse(bad.as_bytes()).unwrap_err();
        assert_eq!(
            e,
            TextError::DuplicateSection {
                line: 1,
                name: "a".into()
            },
            "{bad}"
        );
    }
}

#[test]
fn a_slash_separates_sections() {
    let s = parse(b"a/b/c = 3").unwrap();
    assert_eq!(
        s.section("a").unwrap().section("b").unwrap().value("c"),
        Some(&Value::Int(3))
    );
}

#[test]
fn a_nul_ends_the_text() {
    assert_eq!(parse(b"a=1\n\0}}}}").unwrap().entries.len(), 1);
}

#[test]
fn nesting_is_bounded() {
    let deep = "a{".repeat(100_000);
    assert_eq!(
        parse(deep.as_bytes()),
        Err(TextError::Depth { line: 1, max: 16 })
    );
    let slashes = format!("{}=1", "a/".repeat(100));
    assert!(matches!(
        parse(slashes.as_bytes()),
        Err(TextError::Number { .. } | TextError::Expected { .. } | TextError::Depth { .. })
    ));
}

#[test]
fn errors_name_the_line() {
    let e = parse(b"a=1\nb }").unwrap_err();
    assert_eq!(
        e.to_string(),
        "LVM text, line 2: expected \"{\" or \"=\" after a name, found \"}\""
    );
    assert_eq!(
        parse(b"a {\n").unwrap_err().to_string(),
        "LVM text, line 2: expected \"}\", found the end of the text"
    );
    for bad in ["}", "a=", "a=[1", "a=[,1]", "a={", "=1", "a=[[1]]", "\x01"] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
}
