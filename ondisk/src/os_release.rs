// SPDX-License-Identifier: MIT OR Apache-2.0
//! os-release: which distribution a system is.

/// Where it lies, below the root. The first of them that is a file counts;
/// usually it is a link to the other one.
pub const PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What of os-release is asked for; a value that is not there is empty, as is
/// every value of a system without the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`: `debian`, `rhel`.
    pub id: String,
    /// `ID_LIKE`: what it is made of, in words.
    pub id_like: String,
    /// `VERSION_ID`: `12`, `9.4`.
    pub version_id: String,
}

impl OsRelease {
    /// From the text of the file. Of several lines of one name the last one
    /// counts, for a shell sources it.
    #[must_use]
    pub fn of(text: &str) -> OsRelease {
        let value = |key: &str| {
            let lines = text.lines().rev();
            let mut values = lines.filter_map(|l| l.trim().strip_prefix(key)?.strip_prefix('='));
            let value = values.next().unwrap_or_default();
            value.trim_matches(['"', '\'']).to_owned()
        };
        OsRelease {
            id: value("ID"),
            id_like: value("ID_LIKE"),
            version_id: value("VERSION_ID"),
        }
    }

    /// The release of Red Hat Enterprise Linux or its kin, without what follows
    /// the point: `7`. `None` of other distributions.
    #[must_use]
    pub fn el(&self) -> Option<&str> {
        let family = ["rhel", "fedora", "centos"];
        let mut names = self.id.split_whitespace();
        let is_kin = |name: &str| family.iter().any(|kin| name.eq_ignore_ascii_case(kin));
        let is_el = names.any(is_kin) || self.id_like.split_whitespace().any(is_kin);
        is_el.then(|| self.version_id.split('.').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of CentOS 7, Oracle Linux 7.9, Red Hat Enterprise Linux 8.10
    /// and Debian 12, shortened.
    #[test]
    fn releases_of_red_hats_kin() {
        for (text, el) in [
            (
                "NAME=\"CentOS Linux\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n",
                Some("7"),
            ),
            (
                "ID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"7.9\"\n",
                Some("7"),
            ),
            (
                "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.10\"\n",
                Some("8"),
            ),
            ("VERSION_ID=\"12\"\nID=debian\n", None),
            ("", None),
        ] {
            assert_eq!(OsRelease::of(text).el(), el, "{text}");
        }
    }

    #[test]
    fn the_last_line_of_a_name_counts() {
        let found = OsRelease::of("ID=a\n# ID=c\nID='b'\n  VERSION_ID=1\nXID=d\n");
        assert_eq!(
            (&*found.id, &*found.version_id, &*found.id_like),
            ("b", "1", "")
        );
    }
}
