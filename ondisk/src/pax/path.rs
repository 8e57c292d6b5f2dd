// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of members, made harmless.

/// A member's name as a path below the root: leading slashes, `.` and empty
/// components go (GNU tar unpacks `/etc` as `etc`, too); `..` and NUL are
/// refused. The root itself is the empty path.
pub(super) fn below_root(name: &[u8]) -> Result<Vec<u8>, &'static str> {
    if name.contains(&0) {
        return Err("the name contains a NUL byte");
    }
    let mut path = Vec::with_capacity(name.len());
    for component in name.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => return Err("the name contains '..' and could leave the new root"),
            _ => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(component);
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_root() {
        for (name, path) in [
            ("./", Some("")),
            (".", Some("")),
            ("/", Some("")),
            ("./etc/passwd", Some("etc/passwd")),
            ("/etc//x/./y/", Some("etc/x/y")),
            ("//a", Some("a")),
            ("...", Some("...")),
            ("a/..b", Some("a/..b")),
            ("..", None),
            ("a/..", None),
            ("./../a", None),
            ("a\0b", None),
        ] {
            let got = below_root(name.as_bytes()).ok();
            assert_eq!(got.as_deref(), path.map(str::as_bytes), "{name}");
        }
    }
}
